"""The metrics of an evaluation by name, as JSON and as text tables."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from seq2seq_demo.console import pluralize, table, visible_symbol
from seq2seq_demo.data.sequences import Confusions
from seq2seq_demo.data.vocabulary import Vocabulary
from seq2seq_demo.declarations import require_flag
from seq2seq_demo.trained.counts import WRONG_EXAMPLES, Counts
from seq2seq_demo.trained.metrics import Calibration, expected_calibration_error
from seq2seq_demo.trained.predictions import Prediction, as_text
from seq2seq_demo.trained.saved_network import SavedNetwork

# Columns of the tables, each with its attribute of `Evaluation`. RATES are free-running, except that
# "forced" rates use teacher forcing; each follows its free-running counterpart. COUNTS are numbers of wrong answers.
RATES = [("exact match", "exact_match"), ("forced", "forced_exact_match"), ("token accuracy", "token_accuracy")]
RATES += [("forced", "forced_token_accuracy"), ("symbol errors", "symbol_error_rate")]
COUNTS = {"wrong symbols": "wrong_symbols", "too short": "too_short", "too long": "too_long", "no end": "unended"}
METRICS = ["n", "n_pairs", "unseen", "fresh", *(name for _, name in RATES), "loss", *COUNTS.values()]  # in the JSON
HEADER = ["sequences", *(name for name, _ in RATES), *COUNTS]
ANSWER_COLUMNS = ("source", "expected", "prediction")
UNSEEN = "unseen"  # stands for all symbols that the network cannot write, in the table by symbol
MAX_CONFUSIONS = 10  # rows of the confusion table


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The metrics of a network on n sources, in the user's symbols; a metric is nan if nothing was measured.

    If a source has several targets, an answer is right if it equals any of them. Edits are counted against the
    nearest target, which teacher forcing ("forced") also uses.
    """

    n: int = 0
    n_pairs: int = 0
    unseen: int = 0  # pairs with a symbol that the network cannot read or write; they count as wrong
    fresh: bool | None = None  # whether at most about 1% of the random sources are training sources; None if unknown
    exact_match: float = math.nan  # the fraction of right answers; this metric matters most
    forced_exact_match: float = math.nan
    token_accuracy: float = math.nan  # the fraction of target symbols that the answer has at the same position
    forced_token_accuracy: float = math.nan
    symbol_error_rate: float = math.nan  # the edits of all answers, divided by the number of target symbols
    loss: float = math.nan  # with teacher forcing, in nats per symbol that the network can write
    wrong_symbols: int = 0  # wrong answers of the right length
    too_short: int = 0
    too_long: int = 0
    unended: int = 0  # answers without END from a network that ends its answers, and unreadable sources
    by_length: dict[int, Evaluation] = field(default_factory=dict)
    by_position: list[dict[str, Any]] = field(default_factory=list)  # a row per output position
    by_symbol: list[dict[str, Any]] = field(default_factory=list)  # a row per target symbol
    confusions: list[dict[str, Any]] = field(default_factory=list)  # most frequent first; None means no symbol
    worst: tuple[Prediction, ...] = ()  # a few wrong answers, most edits first
    calibration: dict[str, float] | None = None  # None unless the network is calibrated and can read a source
    title: str = field(default="", compare=False)  # the first line of the report, which describes the sources

    def __repr__(self) -> str:
        accuracy = f"token accuracy {self.token_accuracy:.4f} ({self.forced_token_accuracy:.4f} forced)"
        metrics = f"exact match {self.exact_match:.4f}, {accuracy}, symbol errors {self.symbol_error_rate:.4f}"
        return f"<Evaluation of {self.n} sequences: {metrics}, loss {self.loss:.4f}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as JSON values; the metrics by length contain no details."""
        details = {"by_position": self.by_position, "by_symbol": self.by_symbol, "confusions": self.confusions}
        return {
            **_flat(self),
            "by_length": {str(length): _flat(each) for length, each in self.by_length.items()},
            **{name: [{key: _plain(x) for key, x in row.items()} for row in rows] for name, rows in details.items()},
            "worst": [p.to_dict() | {"edits": p.edits} for p in self.worst],
            "calibration": self.calibration,
        }

    def report(self, verbose: bool = False) -> str:
        """Return the tables that the command `evaluate` prints; `verbose` adds some wrong answers."""
        metrics = f"symbol error rate {self.symbol_error_rate:.5f}, loss {self.loss:.5f} nats per symbol"
        has_integers = any(isinstance(row["symbol"], int) for row in self.by_symbol)
        parts = [
            self.title or pluralize(self.n, "source"),
            f"exact match {self.exact_match:.5f}, {metrics}",
            _length_table(self),
            *(_position_and_symbol_tables(self) if len(self.by_length) == 1 and has_integers else []),
            _confusion_table(self.confusions[:MAX_CONFUSIONS]),
        ]
        if self.calibration:
            error = self.calibration["expected_calibration_error"]
            parts.append(f"expected calibration error of the confidences {error:.5f}")
        if require_flag("`verbose`", verbose) and self.worst:
            header = [*ANSWER_COLUMNS, "edits", "probability"]
            answers = table(header, [*map(_wrong_answer_cells, self.worst)], str.ljust)
            parts.append(f"Wrong answers with the most edits:\n{answers}")
        return "\n\n".join(parts)


def _flat(e: Evaluation) -> dict[str, Any]:
    return {name: _plain(getattr(e, name)) for name in METRICS}


def _plain(value: Any) -> Any:
    """Return a JSON value: null in place of nan."""
    return None if isinstance(value, float) and math.isnan(value) else value


# ---- From counts ----


class EvaluationRow(NamedTuple):
    """The counts on sources of one length."""

    in_len: int
    counts: Counts
    fresh: bool | None = None  # as in `Evaluation`


def summary_of(rows: Sequence[EvaluationRow], network: SavedNetwork, origin: str) -> Evaluation:
    """Return the evaluation of all rows; `origin` describes the sources, as in " of dev.tsv"."""
    fresh = {row.fresh for row in rows}
    are_fresh = False if False in fresh else None if None in fresh else True
    total = _of_counts(sum((row.counts for row in rows), Counts()), network, are_fresh)
    sources = pluralize(total.n, "fresh source" if total.fresh else "source")
    targets = f" with {total.n_pairs} targets, any of which is right" if total.n_pairs > total.n else ""
    ending = "; an answer without END is wrong" if network.ends else ""
    by_length = {row.in_len: _of_counts(row.counts, network, row.fresh) for row in rows}
    return replace(total, by_length=by_length, title=f"{sources}{origin}{targets}{ending}")


def _of_counts(counts: Counts, network: SavedNetwork, fresh: bool | None) -> Evaluation:
    model, target = network.model_config, network.vocabularies.target
    special = {model.go: "END" if network.ends else None, model.n_output_symbols: UNSEEN}
    by_position = (tally.accuracy.tolist() for tally in (counts.by_position, counts.forced))
    positions = itertools.zip_longest(*by_position, fillvalue=math.nan)
    symbols = enumerate(zip(counts.by_symbol.expected.tolist(), counts.by_symbol.accuracy.tolist(), strict=True))
    # Most edits first; ties are ordered by their symbols.
    worst = sorted(
        counts.wrong, key=lambda p: (-(p.edits or 0), p.source_tokens, p.prediction_tokens, p.expected_tokens)
    )
    return Evaluation(
        **counts.rates,
        **{name: getattr(counts, name) for name in ("n", "n_pairs", "unseen", *COUNTS.values())},
        fresh=fresh,
        by_position=[
            {"position": t, "token_accuracy": free, "forced_token_accuracy": forced}
            for t, (free, forced) in enumerate(positions, start=1)
        ],
        by_symbol=[
            {"symbol": special.get(k) or target.to_symbols([k])[0], "n": n, "token_accuracy": accuracy}
            for k, (n, accuracy) in symbols
            if n
        ],
        confusions=_named_confusions(counts.confusions, target),
        worst=tuple(worst[:WRONG_EXAMPLES]),
        calibration=_calibration(counts, network.calibration),
    )


def _named_confusions(confusions: Confusions, target: Vocabulary) -> list[dict[str, Any]]:
    """Return the confusions by symbol, most frequent first; symbols that did not occur in training are UNSEEN."""

    def name(number: int | None) -> Any:
        if number is None:
            return None
        return UNSEEN if target.is_text and number > target.largest else target.to_symbols([number])[0]

    named = Counter[tuple[Any, Any]]()
    for edit in sorted(confusions, key=lambda edit: [-1 if number is None else number for number in edit]):
        expected, predicted = map(name, edit)
        named[expected, predicted] += confusions[edit]
    return [{"expected": each[0], "prediction": each[1], "n": times} for each, times in named.most_common()]


def _calibration(counts: Counts, calibration: Calibration | None) -> dict[str, float] | None:
    """Return the expected calibration error; None if the network is not calibrated or cannot read any source."""
    if calibration is None or not len(counts.answers.lengths):
        return None
    error = expected_calibration_error(counts.answers.confidences(calibration), counts.answers.is_right)
    return {"expected_calibration_error": error}


# ---- Tables ----


def _length_table(e: Evaluation) -> str:
    lines = [[str(in_len), *_figure_cells(each)] for in_len, each in e.by_length.items()]
    if len(lines) != 1:
        lines.append(["all", *_figure_cells(e)])
    return table(["length", *HEADER], lines)


def _figure_cells(e: Evaluation) -> list[str]:
    rates = _rounded(getattr(e, attribute) for _, attribute in RATES)
    return [str(e.n), *rates, *(str(getattr(e, attribute)) for attribute in COUNTS.values())]


def _position_and_symbol_tables(e: Evaluation) -> list[str]:
    accuracies = ("forced_token_accuracy", "token_accuracy")
    positions = [[str(row["position"]), *_rounded(row[name] for name in accuracies)] for row in e.by_position]
    symbols = [[str(row["symbol"]), str(row["n"]), *_rounded([row["token_accuracy"]])] for row in e.by_symbol]
    return [
        table(["output position", "forced", "free-running"], positions),
        table(["symbol", "expected", "free-running"], symbols),
    ]


def _rounded(rates: Iterable[float]) -> list[str]:
    return [f"{rate:.5f}" for rate in rates]


def _confusion_table(confusions: list[dict[str, Any]]) -> str:
    keys = ("expected", "prediction")
    lines = [
        [*("nothing" if edit[key] is None else visible_symbol(edit[key]) for key in keys), str(edit["n"])]
        for edit in confusions
    ]
    return table([*keys, "times"], lines) if lines else "No symbol was wrong."


def _wrong_answer_cells(p: Prediction) -> list[str]:
    texts = [as_text(getattr(p, name)) for name in ANSWER_COLUMNS]
    texts[-1] += " ..." * (p.ended is False)
    return [*texts, str(p.edits), "" if p.probability is None else f"{p.probability:.4f}"]
