"""Evaluations as JSON and as text tables."""

from collections.abc import Iterable, Sequence
from typing import Any

from seq2seq_demo.data.vocabulary import INTEGER_VOCABULARIES, Vocabularies, join_symbols
from seq2seq_demo.display.console import pluralize, table, visible_symbol
from seq2seq_demo.evaluation import EvaluationRow
from seq2seq_demo.figures import Evaluation, WrongAnswer, expected_calibration_error
from seq2seq_demo.trained_network import TrainedNetwork

# Columns of free-running figures, each with its attribute of `Evaluation`; COUNTS are numbers of wrong answers.
RATES = {"exact match": "exact_match", "token accuracy": "token_accuracy", "symbol errors": "symbol_error_rate"}
COUNTS = {"wrong symbols": "wrong_symbols", "too short": "too_short", "too long": "too_long", "no end": "unended"}
ANSWER_COLUMNS = ("source", "expected", "predicted")
CONFIDENCES = (0.5, 0.8, 0.9, 0.95, 0.99)  # rows of the calibration table
MAX_CONFUSIONS, MAX_FIXED_LENGTH_CONFUSIONS = 10, 5  # rows of a confusion table


def row_dict(row: EvaluationRow, network: TrainedNetwork) -> dict[str, Any]:
    """Return the evaluation of a row as a dictionary for JSON."""
    if network.ends:
        return _variable_length_dict(row.evaluation, row.kind, row.in_len, row.fresh)
    return _fixed_length_dict(row.evaluation, row.in_len)


# ---- Networks whose answers have a fixed length ----


def _fixed_length_dict(e: Evaluation, in_len: int) -> dict[str, Any]:
    accuracies = _accuracies(e)
    symbols = enumerate(zip(e.by_symbol.expected.tolist(), e.by_symbol.accuracy.tolist(), strict=True))
    facts = {"n": e.n, "in_len": in_len, "out_len": len(e.by_position.correct), "loss": e.loss}
    return facts | {
        **accuracies,
        "gap": {name: forced - accuracies["free_running"][name] for name, forced in accuracies["forced"].items()},
        "by_position": {"forced": e.forced.accuracy.tolist(), "free_running": e.by_position.accuracy.tolist()},
        "by_symbol": [{"symbol": symbol, "n": n, "accuracy": share} for symbol, (n, share) in symbols if n],
        "confusions": _confusions(e, INTEGER_VOCABULARIES),
    }


def fixed_length_tables(e: Evaluation) -> str:
    """Return four tables: the accuracies over all symbols, by output position and by symbol; and the confusions."""
    facts = _fixed_length_dict(e, 0)
    figures = [
        [name.replace("_", " "), *_rounded(facts[mode][name] for mode in ("forced", "free_running")), f"{gap:+.5f}"]
        for name, gap in facts["gap"].items()
    ]
    accuracies = zip(*facts["by_position"].values(), strict=True)
    positions = [[str(t), *_rounded(both)] for t, both in enumerate(accuracies, start=1)]
    symbols = [[str(s["symbol"]), str(s["n"]), f"{s['accuracy']:.5f}"] for s in facts["by_symbol"]]
    tables = [
        table(["", "forced", "free-running", "gap"], figures) + f"\nloss {e.loss:.5f} nats per symbol, forced",
        table(["output position", "forced", "free-running"], positions),
        table(["symbol", "expected", "free-running"], symbols),
        _confusion_table(facts["confusions"][:MAX_FIXED_LENGTH_CONFUSIONS]),
    ]
    return "\n\n".join(tables)


def by_length_table(rows: Sequence[EvaluationRow]) -> str:
    """Return a table with a row per source length."""
    header = ["length", "target", "sequences", "token accuracy forced", "free-running", "exact match"]
    lines = []
    for in_len, e in ((row.in_len, row.evaluation) for row in rows):
        rates = _rounded([e.forced_token_accuracy, e.token_accuracy, e.exact_match])
        lines.append([str(in_len), str(len(e.by_position.correct)), str(e.n), *rates])
    return table(header, lines)


# ---- Networks that end their answers ----


def _variable_length_dict(e: Evaluation, kind: str, in_len: int | None, fresh: bool | None) -> dict[str, Any]:
    facts = {"sources": kind, "in_len": in_len, "n": e.n, "n_pairs": e.n_pairs, "fresh": fresh, "loss": e.loss}
    return facts | _accuracies(e) | {name: getattr(e, name) for name in (RATES["symbol errors"], *COUNTS.values())}


def variable_length_tables(rows: Sequence[EvaluationRow]) -> str:
    """Return a table by length for the first kind of sources, and a table by kind if there are several kinds."""
    by_kind: dict[str, list[EvaluationRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    first = next(iter(by_kind.values()))
    header = ["sequences", *RATES, *COUNTS]
    lines = [[str(row.in_len), *_figure_cells([row])] for row in first]
    if len(first) > 1:
        lines.append(["all", *_figure_cells(first)])
    tables = [table(["length", *header], lines)]
    if len(by_kind) > 1:
        lines = [[kind, *_figure_cells(kind_rows), _worst_length(kind_rows)] for kind, kind_rows in by_kind.items()]
        tables.append(table(["sources", *header, "worst length"], lines))
    return "\n\n".join(tables)


def _figure_cells(rows: Sequence[EvaluationRow]) -> list[str]:
    e = sum((row.evaluation for row in rows), Evaluation())
    rates = _rounded(getattr(e, name) for name in RATES.values())
    return [str(e.n), *rates, *(str(getattr(e, name)) for name in COUNTS.values())]


def _worst_length(rows: Sequence[EvaluationRow]) -> str:
    """Return the lowest exact match and its length, or an empty text if it is 1 at every length."""
    worst = min(rows, key=lambda row: row.evaluation.exact_match)
    exact_match = worst.evaluation.exact_match
    return "" if exact_match == 1 else f"{exact_match:.4f} at {worst.in_len}"


def pairs_dict(rows: Sequence[EvaluationRow], network: TrainedNetwork) -> dict[str, Any]:
    """Return the evaluation on the pairs of a file, over all lengths, for JSON."""
    vocabularies = network.vocabularies
    e = sum((row.evaluation for row in rows), Evaluation())
    facts = _variable_length_dict(e, rows[0].kind, None, None)
    if vocabularies.target.is_text:
        facts["word_error_rate"] = 1 - e.exact_match
    facts["confusions"] = _confusions(e, vocabularies)
    for name, answers in (("worst", e.wrong.worst), ("surest", e.wrong.surest)):
        facts[name] = [_wrong_answer_dict(answer, vocabularies) for answer in answers]
    return facts | _calibration_dict(e, network.temperature)


def sources_text(e: Evaluation, name: str) -> str:
    """Return the number of sources, and the number of targets if some sources have several."""
    targets = f" with {e.n_pairs} targets, any of which is right" if e.n_pairs > e.n else ""
    return f"{pluralize(e.n, 'source')} of {name}{targets}"


def pairs_text(name: str, rows: Sequence[EvaluationRow], network: TrainedNetwork, verbose: bool) -> str:
    """Return the evaluation on the pairs of a file: a summary, tables, and with `verbose` some wrong answers."""
    e, vocabularies = sum((row.evaluation for row in rows), Evaluation()), network.vocabularies
    is_text = vocabularies.target.is_text
    exact = f"word error rate {1 - e.exact_match:.5f}" if is_text else f"exact match {e.exact_match:.5f}"
    parts = [
        f"{sources_text(e, name)}; an answer without END is wrong",
        f"{exact}, symbol error rate {e.symbol_error_rate:.5f}",
        variable_length_tables(rows),
        _confusion_table(_confusions(e, vocabularies)[:MAX_CONFUSIONS]),
        *_calibration_texts(e, network.temperature),
    ]
    if verbose and e.exact < e.n:
        for criterion, answers in (("the most edits", e.wrong.worst), ("the highest probability", e.wrong.surest)):
            lines = [_wrong_answer_cells(answer, vocabularies) for answer in answers]
            header = [*ANSWER_COLUMNS, "edits", "probability"]
            parts.append(f"Wrong answers with {criterion}:\n{table(header, lines, str.ljust)}")
    return "\n\n".join(parts)


def _calibration_dict(e: Evaluation, temperature: float | None) -> dict[str, Any]:
    """Return the expected calibration error for JSON, and how many answers reach each of CONFIDENCES and are right."""
    if temperature is None:
        return {}
    confidence, is_right = e.answers.confidences(temperature), e.answers.is_right
    at_least = [
        {"confidence": minimum, "answered": int(answered.sum()), "right": int(is_right[answered].sum())}
        for minimum, answered in ((minimum, confidence >= minimum) for minimum in CONFIDENCES)
    ]
    error = expected_calibration_error(confidence, is_right)
    return {"expected_calibration_error": error, "at_confidence": at_least}


def _calibration_texts(e: Evaluation, temperature: float | None) -> list[str]:
    facts = _calibration_dict(e, temperature)
    if not facts:
        return []
    lines = []
    for minimum, answered, right in (at.values() for at in facts["at_confidence"]):
        share_right = f"{right / answered:.5f}" if answered else "-"
        lines.append([f"{minimum:.2f}", str(answered), *_rounded([answered / e.n]), share_right])
    error = f"expected calibration error of the confidences {facts['expected_calibration_error']:.5f}"
    return [error, table(["min. confidence", "answered", "share answered", "share right"], lines)]


def _wrong_answer_dict(answer: WrongAnswer, vocabularies: Vocabularies) -> dict[str, Any]:
    facts = answer._asdict()
    for key in ANSWER_COLUMNS:
        vocabulary = vocabularies.source if key == "source" else vocabularies.target
        names = vocabulary.to_symbols(facts[key])
        facts[key] = join_symbols(vocabulary.tokens, names) if vocabulary.is_text else names
    return facts


def _wrong_answer_cells(answer: WrongAnswer, vocabularies: Vocabularies) -> list[str]:
    facts = _wrong_answer_dict(answer, vocabularies)
    texts = [facts[key] if isinstance(facts[key], str) else join_symbols("", facts[key]) for key in ANSWER_COLUMNS]
    texts[-1] += "" if answer.ended else " ..."
    return [*texts, str(answer.edits), f"{answer.probability:.4f}"]


# ---- All networks ----


def _accuracies(e: Evaluation) -> dict[str, dict[str, float]]:
    return {
        "forced": {"token_accuracy": e.forced_token_accuracy, "exact_match": e.forced_exact_match},
        "free_running": {"token_accuracy": e.token_accuracy, "exact_match": e.exact_match},
    }


def _confusions(e: Evaluation, vocabularies: Vocabularies) -> list[dict[str, Any]]:
    """Return the confusions for JSON, most frequent first.

    An insertion has no expected symbol (None), and a deletion has no predicted symbol.
    """

    def name(number: int | None) -> Any:
        return None if number is None else vocabularies.target.to_symbols([number])[0]

    edits = sorted((-times, [-1 if x is None else x for x in edit], edit) for edit, times in e.confusions.items())
    return [{"expected": name(a), "predicted": name(b), "times": -times} for times, _, (a, b) in edits]


def _confusion_table(confusions: list[dict[str, Any]]) -> str:
    keys = ("expected", "predicted")
    lines = [
        [*("nothing" if edit[key] is None else _symbol_cell(edit[key]) for key in keys), str(edit["times"])]
        for edit in confusions
    ]
    return table([*keys, "times"], lines) if lines else "No symbol was wrong."


def _symbol_cell(symbol: object) -> str:
    """Return a symbol as it is displayed; quotes distinguish the symbol "nothing" from no symbol."""
    text = visible_symbol(symbol)
    return repr(text) if text.strip("'\"") == "nothing" else text


def _rounded(rates: Iterable[float]) -> list[str]:
    return [f"{rate:.5f}" for rate in rates]
