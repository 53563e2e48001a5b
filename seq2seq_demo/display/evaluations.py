"""Evaluations, as JSON or as tables."""

from collections.abc import Sequence
from typing import Any

from seq2seq_demo.data.vocabulary import Vocabularies, joined
from seq2seq_demo.display.console import symbol, table
from seq2seq_demo.evaluation import Row
from seq2seq_demo.figures import Evaluation, WrongAnswer, total
from seq2seq_demo.trained_network import TrainedNetwork


def row_dict(row: Row, network: TrainedNetwork) -> dict[str, Any]:
    """Return the figures on sources of a kind and length, as JSON has them."""
    if network.ends:
        return _dict(row.evaluation, row.kind, row.in_len, row.fresh)
    return _positions_dict(row.evaluation, row.in_len)


def _shares(e: Evaluation) -> dict[str, dict[str, float]]:
    return {
        "forced": {"token_accuracy": e.forced_token_accuracy, "exact_match": e.forced_exact_match},
        "free_running": {"token_accuracy": e.token_accuracy, "exact_match": e.exact_match},
    }


def _positions_dict(e: Evaluation, in_len: int) -> dict[str, Any]:
    """Return the figures of a network whose answers have one length: also of each position and symbol."""
    shares = _shares(e)
    n_symbols = zip(e.by_symbol.expected.tolist(), e.by_symbol.accuracy.tolist(), strict=True)
    confusions = sorted(e.confusions.items(), key=lambda item: (-item[1], item[0]))
    return {
        "n": e.n,
        "in_len": in_len,
        "out_len": len(e.by_position.correct),
        "loss": e.loss,
        **shares,
        "gap": {name: forced - shares["free_running"][name] for name, forced in shares["forced"].items()},
        "by_position": {"forced": e.forced.accuracy.tolist(), "free_running": e.by_position.accuracy.tolist()},
        "by_symbol": [
            {"symbol": symbol, "n": n, "accuracy": share} for symbol, (n, share) in enumerate(n_symbols) if n
        ],
        "confusions": [{"expected": a, "predicted": b, "times": times} for (a, b), times in confusions],
    }


def evaluation_text(e: Evaluation) -> str:
    """Return the figures of a network whose answers have one length as tables."""
    facts = _positions_dict(e, 0)
    figures = [
        [name.replace("_", " "), *(f"{facts[way][name]:.5f}" for way in ("forced", "free_running")), f"{gap:+.5f}"]
        for name, gap in facts["gap"].items()
    ]
    positions = [
        [str(t), f"{forced:.5f}", f"{free:.5f}"]
        for t, (forced, free) in enumerate(zip(*facts["by_position"].values(), strict=True), start=1)
    ]
    symbols = [[str(s["symbol"]), str(s["n"]), f"{s['accuracy']:.5f}"] for s in facts["by_symbol"]]
    confusions = [[str(value) for value in c.values()] for c in facts["confusions"][:5]]
    return "\n\n".join(
        [
            table(["", "forced", "free-running", "gap"], figures) + f"\nloss {e.loss:.5f} nats a symbol, forced",
            table(["output position", "forced", "free-running"], positions),
            table(["symbol", "expected", "free-running"], symbols),
            table(["expected", "predicted", "times"], confusions) if confusions else "No symbol was wrong.",
        ]
    )


def lengths_text(rows: Sequence[Row]) -> str:
    """Return a table with a row per length."""
    header = ["length", "target", "sequences", "token accuracy forced", "free-running", "exact match"]
    lines = []
    for row in rows:
        e = row.evaluation
        figures = [f"{share:.5f}" for share in (e.forced_token_accuracy, e.token_accuracy, e.exact_match)]
        lines.append([str(row.in_len), str(len(e.by_position.correct)), str(e.n), *figures])
    return table(header, lines)


def _dict(e: Evaluation, kind: str, in_len: int | None, fresh: bool | None) -> dict[str, Any]:
    return {
        "sources": kind,
        "in_len": in_len,
        "n": e.n,
        "n_pairs": e.n_pairs,
        "fresh": fresh,
        "loss": e.loss,
        **_shares(e),
        "symbol_error_rate": e.symbol_error_rate,
        "wrong_symbols": e.wrong_symbols,
        "too_short": e.too_short,
        "too_long": e.too_long,
        "unended": e.unended,
    }


def rows_text(rows: Sequence[Row]) -> str:
    """Return a table by length, and if other kinds of sources were measured, one by kind."""
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    first, *others = by_kind.values()
    figures = [
        "sequences",
        "exact match",
        "token accuracy",
        "symbol errors",
        "wrong symbols",
        "too short",
        "too long",
        "no end",
    ]
    lines = [[str(row.in_len), *_figures(row.evaluation)] for row in first]
    if len(first) > 1:
        lines.append(["all", *_figures(total(row.evaluation for row in first))])
    tables = [table(["length", *figures], lines)]
    if others:
        lines = [[rows[0].kind, *_figures(total(row.evaluation for row in rows))] for rows in by_kind.values()]
        for line, of_kind in zip(lines, by_kind.values(), strict=True):
            worst = min(of_kind, key=lambda row: row.evaluation.exact_match)
            is_perfect = worst.evaluation.exact_match == 1
            line.append("" if is_perfect else f"{worst.evaluation.exact_match:.4f} at {worst.in_len}")
        tables.append(table(["sources", *figures, "worst length"], lines))
    return "\n\n".join(tables)


def _figures(e: Evaluation) -> list[str]:
    shares = [f"{share:.5f}" for share in (e.exact_match, e.token_accuracy, e.symbol_error_rate)]
    return [str(e.n), *shares, *map(str, (e.wrong_symbols, e.too_short, e.too_long, e.unended))]


CONFUSIONS = 10  # that a table lists
WRONG = ("source", "expected", "predicted")


def given_dict(rows: Sequence[Row], vocabularies: Vocabularies) -> dict[str, Any]:
    """Return what a network reached on given pairs of all lengths, as JSON has it."""
    e = total(row.evaluation for row in rows)
    facts = _dict(e, rows[0].kind, None, None)
    if vocabularies.target.is_text:
        facts["word_error_rate"] = 1 - e.exact_match
    facts["confusions"] = [
        {"expected": expected, "predicted": predicted, "times": times}
        for expected, predicted, times in _confusions(e, vocabularies)
    ]
    for name, answers in (("worst", e.wrong.worst), ("surest", e.wrong.surest)):
        facts[name] = [_wrong_dict(answer, vocabularies) for answer in answers]
    return facts


def _confusions(e: Evaluation, vocabularies: Vocabularies) -> list[tuple[Any, Any, int]]:
    """Return the edits, the commonest first: expected and predicted symbol (None: it was added, or left out), times."""

    def order(item: tuple[tuple[int | None, int | None], int]) -> tuple[int, ...]:
        (expected, predicted), times = item
        return -times, *(-1 if number is None else number for number in (expected, predicted))

    def name(number: int | None) -> Any:
        return None if number is None else vocabularies.target.names([number])[0]

    return [(name(a), name(b), times) for (a, b), times in sorted(e.confusions.items(), key=order)]


def _wrong_dict(answer: WrongAnswer, vocabularies: Vocabularies) -> dict[str, Any]:
    facts = answer._asdict()
    for key, vocabulary in (("source", vocabularies.source), ("expected", vocabularies.target)):
        names = vocabulary.names(facts[key])
        facts[key] = joined(vocabulary.tokens, names) if vocabulary.is_text else names
    names = vocabularies.target.names(answer.predicted)
    facts["predicted"] = joined(vocabularies.target.tokens, names) if vocabularies.target.is_text else names
    return facts


def given_text(name: str, rows: Sequence[Row], vocabularies: Vocabularies, verbose: bool) -> str:
    """Return what a network reached on given pairs: in a line, by length, what is confused; verbose, wrong answers."""
    e = total(row.evaluation for row in rows)
    several = f" with {e.n_pairs} targets, of which any is right" if e.n_pairs > e.n else ""
    errors = f"exact match {e.exact_match:.5f}, symbol error rate {e.symbol_error_rate:.5f}"
    if vocabularies.target.is_text:
        errors = f"word error rate {1 - e.exact_match:.5f}, symbol error rate {e.symbol_error_rate:.5f}"
    parts = [f"{e.n} sources of {name}{several}; an answer's end counts", errors, rows_text(rows)]
    confusions = [
        [*("nothing" if x is None else symbol(x) for x in (expected, predicted)), str(times)]
        for expected, predicted, times in _confusions(e, vocabularies)[:CONFUSIONS]
    ]
    parts.append(table(["expected", "predicted", "times"], confusions) if confusions else "No symbol was wrong.")
    if verbose and e.exact < e.n:
        for title, answers in (("the most edits", e.wrong.worst), ("the surest", e.wrong.surest)):
            parts.append(f"Wrong answers, {title}:\n" + _wrong_table(answers, vocabularies))
    return "\n\n".join(parts)


def _wrong_table(answers: tuple[WrongAnswer, ...], vocabularies: Vocabularies) -> str:
    """Return a row for each wrong answer."""
    lines = []
    for answer in answers:
        facts = _wrong_dict(answer, vocabularies)
        texts = [facts[key] if isinstance(facts[key], str) else joined("", facts[key]) for key in WRONG]
        end = "" if answer.ended else " ..."
        lines.append([texts[0], texts[1], texts[2] + end, str(answer.edits), f"{answer.probability:.4f}"])
    return table([*WRONG, "edits", "probability"], lines, str.ljust)
