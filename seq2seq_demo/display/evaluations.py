"""Evaluations as JSON and as text tables, the same for all networks."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from seq2seq_demo.console import pluralize, table, visible_symbol
from seq2seq_demo.data.vocabulary import Vocabularies, join_symbols
from seq2seq_demo.evaluation import RANDOM, EvaluationRow
from seq2seq_demo.metrics import Evaluation, WrongAnswer, expected_calibration_error
from seq2seq_demo.network_facts import NetworkFacts

# Columns of the tables, each with its attribute of `Evaluation`. RATES are free-running or, after their free-running
# rate, "forced": with teacher forcing. COUNTS are numbers of wrong answers.
RATES = [("exact match", "exact_match"), ("forced", "forced_exact_match"), ("token accuracy", "token_accuracy")]
RATES += [("forced", "forced_token_accuracy"), ("symbol errors", "symbol_error_rate")]
COUNTS = {"wrong symbols": "wrong_symbols", "too short": "too_short", "too long": "too_long", "no end": "unended"}
HEADER = ["sequences", *(name for name, _ in RATES), *COUNTS]
ANSWER_COLUMNS = ("source", "expected", "predicted")
CONFIDENCES = (0.5, 0.8, 0.9, 0.95, 0.99)  # rows of the calibration table
UNSEEN = "unseen"  # the name of all symbols that the network cannot write, in the table by symbol
MAX_CONFUSIONS = 10  # rows of the confusion table


def total(rows: Sequence[EvaluationRow]) -> EvaluationRow:
    """Return the figures over all lengths; the rows have the same kind of sources."""
    return EvaluationRow(rows[0].kind, None, sum((row.evaluation for row in rows), Evaluation()))


def row_dict(row: EvaluationRow, network: NetworkFacts) -> dict[str, Any]:
    """Return the evaluation of a row as a dictionary for JSON."""
    e, model, vocabularies = row.evaluation, network.model_config, network.vocabularies
    symbols = enumerate(zip(e.by_symbol.expected.tolist(), e.by_symbol.accuracy.tolist(), strict=True))

    def name(number: int) -> Any:
        special = {model.go: "END" if network.ends else None, model.n_output_symbols: UNSEEN}
        return special.get(number) or vocabularies.target.to_symbols([number])[0]

    return {
        "sources": row.kind,
        "in_len": row.in_len,
        "n": e.n,
        "n_pairs": e.n_pairs,
        "unseen": e.unseen,
        "fresh": row.fresh,
        "loss": e.loss if e.n_loss else None,
        "forced": {"token_accuracy": e.forced_token_accuracy, "exact_match": e.forced_exact_match},
        "free_running": {"token_accuracy": e.token_accuracy, "exact_match": e.exact_match},
        "symbol_error_rate": e.symbol_error_rate,
        **{attribute: getattr(e, attribute) for attribute in COUNTS.values()},
        "by_position": {"forced": e.forced.accuracy.tolist(), "free_running": e.by_position.accuracy.tolist()},
        "by_symbol": [{"symbol": name(k), "n": n, "accuracy": share} for k, (n, share) in symbols if n],
        "confusions": _confusions(e, vocabularies.target.to_symbols),
        "worst": [_wrong_answer_dict(answer, vocabularies) for answer in e.wrong.worst],
        "surest": [_wrong_answer_dict(answer, vocabularies) for answer in e.wrong.surest],
        **_calibration_dict(e, network.temperature),
    }


def text(rows: Sequence[EvaluationRow], network: NetworkFacts, origin: str, verbose: bool = False) -> str:
    """Return a summary of the first kind of sources, tables, and with `verbose` some wrong answers.

    If the sources have one length, and targets are integers, there are tables by output position and by symbol.
    `origin` describes the sources, as in " of dev.tsv".
    """
    by_kind: dict[str, list[EvaluationRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    first = next(iter(by_kind.values()))
    measured = total(first)
    e, facts = measured.evaluation, row_dict(measured, network)
    is_text = network.vocabularies.target.is_text
    targets = f" with {e.n_pairs} targets, any of which is right" if e.n_pairs > e.n else ""
    ending = "; an answer without END is wrong" if network.ends else ""
    exact = f"word error rate {1 - e.exact_match:.5f}" if is_text else f"exact match {e.exact_match:.5f}"
    parts = [
        f"{pluralize(e.n, f'{_novelty(first, network)}source')}{origin}{targets}{ending}",
        f"{exact}, symbol error rate {e.symbol_error_rate:.5f}, loss {e.loss:.5f} nats per symbol",
        _length_table(first),
        *([_kind_table(by_kind)] if len(by_kind) > 1 else []),
        *(_position_and_symbol_tables(facts) if len(first) == 1 and not is_text else []),
        _confusion_table(facts["confusions"][:MAX_CONFUSIONS]),
        *([] if network.temperature is None else _calibration_texts(facts)),
    ]
    if verbose and e.exact < e.n:
        for criterion, key in (("the most edits", "worst"), ("the highest probability", "surest")):
            lines = [_wrong_answer_cells(answer) for answer in facts[key]]
            header = [*ANSWER_COLUMNS, "edits", "probability"]
            parts.append(f"Wrong answers with {criterion}:\n{table(header, lines, str.ljust)}")
    return "\n\n".join(parts)


def _novelty(rows: Sequence[EvaluationRow], network: NetworkFacts) -> str:
    """Return "fresh " if training used none of the sources, and "new " if only the last of several runs is known."""
    fresh = [row.fresh for row in rows]
    if rows[0].kind != RANDOM or False in fresh:
        return ""
    if all(fresh):
        return "fresh "
    return "new " if network.run and network.run.start_step else ""


# ---- Tables of figures ----


def _length_table(rows: Sequence[EvaluationRow]) -> str:
    lines = [[str(row.in_len), *_figure_cells(row.evaluation)] for row in rows]
    if len(rows) > 1:
        lines.append(["all", *_figure_cells(total(rows).evaluation)])
    return table(["length", *HEADER], lines)


def _kind_table(by_kind: dict[str, list[EvaluationRow]]) -> str:
    lines = [[kind, *_figure_cells(total(rows).evaluation), _worst_length(rows)] for kind, rows in by_kind.items()]
    return table(["sources", *HEADER, "worst length"], lines)


def _figure_cells(e: Evaluation) -> list[str]:
    rates = _rounded(getattr(e, attribute) for _, attribute in RATES)
    return [str(e.n), *rates, *(str(getattr(e, attribute)) for attribute in COUNTS.values())]


def _worst_length(rows: Sequence[EvaluationRow]) -> str:
    """Return the lowest exact match and its length, or an empty text if it is 1 at every length."""
    worst = min(rows, key=lambda row: row.evaluation.exact_match)
    exact_match = worst.evaluation.exact_match
    return "" if exact_match == 1 else f"{exact_match:.4f} at {worst.in_len}"


def _position_and_symbol_tables(facts: dict[str, Any]) -> list[str]:
    positions = enumerate(zip(*facts["by_position"].values(), strict=True), start=1)
    symbols = [[str(row["symbol"]), str(row["n"]), *_rounded([row["accuracy"]])] for row in facts["by_symbol"]]
    return [
        table(["output position", "forced", "free-running"], [[str(t), *_rounded(both)] for t, both in positions]),
        table(["symbol", "expected", "free-running"], symbols),
    ]


def _rounded(rates: Iterable[float]) -> list[str]:
    return [f"{rate:.5f}" for rate in rates]


# ---- Confusions and wrong answers ----


def _confusions(e: Evaluation, to_symbols: Callable[[list[int]], list[Any]]) -> list[dict[str, Any]]:
    """Return the confusions for JSON, most frequent first.

    An insertion has no expected symbol (None), and a deletion has no predicted symbol.
    """
    edits = sorted((-times, [-1 if x is None else x for x in edit], edit) for edit, times in e.confusions.items())
    names = [([None if x is None else to_symbols([x])[0] for x in edit], -times) for times, _, edit in edits]
    return [{"expected": expected, "predicted": predicted, "times": times} for (expected, predicted), times in names]


def _confusion_table(confusions: list[dict[str, Any]]) -> str:
    keys = ("expected", "predicted")
    lines = [
        [*("nothing" if edit[key] is None else visible_symbol(edit[key]) for key in keys), str(edit["times"])]
        for edit in confusions
    ]
    return table([*keys, "times"], lines) if lines else "No symbol was wrong."


def _wrong_answer_dict(answer: WrongAnswer, vocabularies: Vocabularies) -> dict[str, Any]:
    facts = answer._asdict()
    for key in ANSWER_COLUMNS:
        vocabulary = vocabularies.source if key == "source" else vocabularies.target
        names = vocabulary.to_symbols(facts[key])
        facts[key] = join_symbols(vocabulary.tokens, names) if vocabulary.is_text else names
    return facts


def _wrong_answer_cells(facts: dict[str, Any]) -> list[str]:
    shown = (facts[key] for key in ANSWER_COLUMNS)
    texts = [symbols if isinstance(symbols, str) else join_symbols("", symbols) for symbols in shown]
    texts[-1] += "" if facts["ended"] else " ..."
    return [*texts, str(facts["edits"]), f"{facts['probability']:.4f}"]


# ---- Calibration ----


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


def _calibration_texts(facts: dict[str, Any]) -> list[str]:
    lines = []
    for minimum, answered, right in (at.values() for at in facts["at_confidence"]):
        share_right = f"{right / answered:.5f}" if answered else "-"
        lines.append([f"{minimum:.2f}", str(answered), *_rounded([answered / facts["n"]]), share_right])
    error = f"expected calibration error of the confidences {facts['expected_calibration_error']:.5f}"
    return [error, table(["min. confidence", "answered", "share answered", "share right"], lines)]
