"""Evaluations, as JSON or as tables."""

from collections.abc import Iterable, Sequence
from typing import Any

from seq2seq_demo.data.vocabulary import INTEGER_VOCABULARIES, Vocabularies, join_symbols
from seq2seq_demo.display.console import symbol, table
from seq2seq_demo.evaluation import EvaluationRow
from seq2seq_demo.figures import Evaluation, WrongAnswer, total
from seq2seq_demo.trained_network import TrainedNetwork

# What tables call the figures of free-running answers: shares, and numbers of wrong answers.
SHARES = {"exact match": "exact_match", "token accuracy": "token_accuracy", "symbol errors": "symbol_error_rate"}
FAULTS = {"wrong symbols": "wrong_symbols", "too short": "too_short", "too long": "too_long", "no end": "unended"}
CONFUSIONS = 10  # that a table lists; 5 of a network whose answers have one length
WRONG = ("source", "expected", "predicted")


def row_dict(row: EvaluationRow, network: TrainedNetwork) -> dict[str, Any]:
    """Return the figures on sources of a kind and length, as JSON has them."""
    if network.ends:
        return _dict(row.evaluation, row.kind, row.in_len, row.fresh)
    return _positions_dict(row.evaluation, row.in_len)


# ---- Of a network whose answers have one length ----


def _positions_dict(e: Evaluation, in_len: int) -> dict[str, Any]:
    """Return the figures, also those of each position and symbol."""
    shares = _shares(e)
    symbols = enumerate(zip(e.by_symbol.expected.tolist(), e.by_symbol.accuracy.tolist(), strict=True))
    about = {"n": e.n, "in_len": in_len, "out_len": len(e.by_position.correct), "loss": e.loss}
    return about | {
        **shares,
        "gap": {name: forced - shares["free_running"][name] for name, forced in shares["forced"].items()},
        "by_position": {"forced": e.forced.accuracy.tolist(), "free_running": e.by_position.accuracy.tolist()},
        "by_symbol": [{"symbol": symbol, "n": n, "accuracy": share} for symbol, (n, share) in symbols if n],
        "confusions": _confusions(e, INTEGER_VOCABULARIES),
    }


def evaluation_text(e: Evaluation) -> str:
    """Return the figures as tables."""
    facts = _positions_dict(e, 0)
    figures = [
        [name.replace("_", " "), *_rounded(facts[way][name] for way in ("forced", "free_running")), f"{gap:+.5f}"]
        for name, gap in facts["gap"].items()
    ]
    shares = zip(*facts["by_position"].values(), strict=True)
    positions = [[str(t), *_rounded(both)] for t, both in enumerate(shares, start=1)]
    symbols = [[str(s["symbol"]), str(s["n"]), f"{s['accuracy']:.5f}"] for s in facts["by_symbol"]]
    tables = [
        table(["", "forced", "free-running", "gap"], figures) + f"\nloss {e.loss:.5f} nats a symbol, forced",
        table(["output position", "forced", "free-running"], positions),
        table(["symbol", "expected", "free-running"], symbols),
        _confusions_text(facts["confusions"][:5]),
    ]
    return "\n\n".join(tables)


def lengths_text(rows: Sequence[EvaluationRow]) -> str:
    """Return a table with a row per length."""
    header = ["length", "target", "sequences", "token accuracy forced", "free-running", "exact match"]
    lines = []
    for in_len, e in ((row.in_len, row.evaluation) for row in rows):
        shares = _rounded([e.forced_token_accuracy, e.token_accuracy, e.exact_match])
        lines.append([str(in_len), str(len(e.by_position.correct)), str(e.n), *shares])
    return table(header, lines)


# ---- Of a network that ends its answers ----


def _dict(e: Evaluation, kind: str, in_len: int | None, fresh: bool | None) -> dict[str, Any]:
    facts = {"sources": kind, "in_len": in_len, "n": e.n, "n_pairs": e.n_pairs, "fresh": fresh, "loss": e.loss}
    return facts | _shares(e) | {name: getattr(e, name) for name in (SHARES["symbol errors"], *FAULTS.values())}


def rows_text(rows: Sequence[EvaluationRow]) -> str:
    """Return a table by length, and if other kinds of sources were measured, one by kind."""
    by_kind: dict[str, list[EvaluationRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    first, *others = by_kind.values()
    header = ["sequences", *SHARES, *FAULTS]
    lines = [[str(row.in_len), *_figures([row])] for row in first]
    if len(first) > 1:
        lines.append(["all", *_figures(first)])
    tables = [table(["length", *header], lines)]
    if others:
        lines = [[kind, *_figures(of_kind), _worst(of_kind)] for kind, of_kind in by_kind.items()]
        tables.append(table(["sources", *header, "worst length"], lines))
    return "\n\n".join(tables)


def _figures(rows: Sequence[EvaluationRow]) -> list[str]:
    e = total(row.evaluation for row in rows)
    shares = _rounded(getattr(e, name) for name in SHARES.values())
    return [str(e.n), *shares, *(str(getattr(e, name)) for name in FAULTS.values())]


def _worst(rows: Sequence[EvaluationRow]) -> str:
    """Return the exact match of the length that has the lowest, unless all are perfect."""
    share, in_len = min(((row.evaluation.exact_match, row.in_len) for row in rows), key=lambda row: row[0])
    return "" if share == 1 else f"{share:.4f} at {in_len}"


def given_dict(rows: Sequence[EvaluationRow], vocabularies: Vocabularies) -> dict[str, Any]:
    """Return what a network reached on given pairs of all lengths, as JSON has it."""
    e = total(row.evaluation for row in rows)
    facts = _dict(e, rows[0].kind, None, None)
    if vocabularies.target.is_text:
        facts["word_error_rate"] = 1 - e.exact_match
    facts["confusions"] = _confusions(e, vocabularies)
    for name, answers in (("worst", e.wrong.worst), ("surest", e.wrong.surest)):
        facts[name] = [_wrong_dict(answer, vocabularies) for answer in answers]
    return facts


def sources_text(e: Evaluation, name: str) -> str:
    """Return the number of sources, and that of their targets if some sources have several."""
    several = f" with {e.n_pairs} targets, of which any is right" if e.n_pairs > e.n else ""
    return f"{e.n} sources of {name}{several}"


def given_text(name: str, rows: Sequence[EvaluationRow], vocabularies: Vocabularies, verbose: bool) -> str:
    """Return the figures on given pairs: in a line, by length, confusions; if verbose, wrong answers."""
    e = total(row.evaluation for row in rows)
    exact = (
        f"word error rate {1 - e.exact_match:.5f}"
        if vocabularies.target.is_text
        else f"exact match {e.exact_match:.5f}"
    )
    parts = [
        f"{sources_text(e, name)}; an answer's end counts",
        f"{exact}, symbol error rate {e.symbol_error_rate:.5f}",
        rows_text(rows),
        _confusions_text(_confusions(e, vocabularies)[:CONFUSIONS]),
    ]
    if verbose and e.exact < e.n:
        for title, answers in (("the most edits", e.wrong.worst), ("the surest", e.wrong.surest)):
            lines = [_wrong_line(answer, vocabularies) for answer in answers]
            parts.append(f"Wrong answers, {title}:\n" + table([*WRONG, "edits", "probability"], lines, str.ljust))
    return "\n\n".join(parts)


def _wrong_dict(answer: WrongAnswer, vocabularies: Vocabularies) -> dict[str, Any]:
    facts = answer._asdict()
    for key in WRONG:
        vocabulary = vocabularies.source if key == "source" else vocabularies.target
        names = vocabulary.to_symbols(facts[key])
        facts[key] = join_symbols(vocabulary.tokens, names) if vocabulary.is_text else names
    return facts


def _wrong_line(answer: WrongAnswer, vocabularies: Vocabularies) -> list[str]:
    """Return the row of a table."""
    facts = _wrong_dict(answer, vocabularies)
    texts = [facts[key] if isinstance(facts[key], str) else join_symbols("", facts[key]) for key in WRONG]
    texts[-1] += "" if answer.ended else " ..."
    return [*texts, str(answer.edits), f"{answer.probability:.4f}"]


# ---- Of any network ----


def _shares(e: Evaluation) -> dict[str, dict[str, float]]:
    return {
        "forced": {"token_accuracy": e.forced_token_accuracy, "exact_match": e.forced_exact_match},
        "free_running": {"token_accuracy": e.token_accuracy, "exact_match": e.exact_match},
    }


def _confusions(e: Evaluation, vocabularies: Vocabularies) -> list[dict[str, Any]]:
    """Return the edits, the commonest first, as JSON has them. None: a symbol was added, or left out."""

    def name(number: int | None) -> Any:
        return None if number is None else vocabularies.target.to_symbols([number])[0]

    edits = sorted((-times, [-1 if x is None else x for x in edit], edit) for edit, times in e.confusions.items())
    return [{"expected": name(a), "predicted": name(b), "times": -times} for times, _, (a, b) in edits]


def _confusions_text(confusions: list[dict[str, Any]]) -> str:
    lines = [
        [*("nothing" if x is None else symbol(x) for x in (edit["expected"], edit["predicted"])), str(edit["times"])]
        for edit in confusions
    ]
    return table(["expected", "predicted", "times"], lines) if lines else "No symbol was wrong."


def _rounded(shares: Iterable[float]) -> list[str]:
    return [f"{share:.5f}" for share in shares]
