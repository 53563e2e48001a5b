"""Predictions as lines of text, as TSV and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import replace

from seq2seq_demo.console import one_line, red
from seq2seq_demo.data.records import Record
from seq2seq_demo.declarations import with_option_names
from seq2seq_demo.trained.predictions import UNENDED, Prediction, as_text

WITHHELD = ("prediction", "exact", "score", "prediction_tokens", "probabilities", "attention")
ANSWER_KEYS = (*WITHHELD, "ended", "probability", "confidence")  # the keys of the n best answers
LINEAR_TSV = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def withheld(p: Prediction) -> Prediction:
    """Return a prediction whose confidence is too low, without its answer."""
    return replace(p, **dict.fromkeys(WITHHELD))


# ---- Lines ----


def answer_lines(answers: Sequence[Prediction]) -> list[str]:
    """Return a line for each answer to a source, best first; no line for an unreadable source.

    The first one has the format of the 2016 program, without an unknown expected target; the others are numbered.
    """
    best = answers[0]
    if best.prediction is None:
        return [] if best.error else [f"==> For input {_source(best)}, no answer (confidence {best.confidence:.4f})"]
    expected = "" if best.expected is None else f" (expected={_bracketed(best.expected)})"
    first = f"==> For input {_source(best)}, prediction={_answer(best)}{expected}{_score(best)}"
    return [first, *(f"    {n}. {_answer(p)}{_score(p)}" for n, p in enumerate(answers[1:], start=2))]


def probe_line(p: Prediction, colour: bool) -> str:
    """Return a line for the probe, a validation source; wrong symbols have a star and, with `colour`, are red."""
    mark, mistakes = red if colour else str, p.mistakes
    # The symbols are escaped one by one, because escaping the whole answer would escape the colours too.
    tokens = [*map(str, p.prediction_tokens or ())]
    names = [mark(f"{one_line(name)}*") if t in mistakes else one_line(name) for t, name in enumerate(tokens)]
    answer = ("" if "".join(tokens) == p.prediction else " ").join(names)
    answer = answer if isinstance(p.prediction, str) else f"[{answer}]"
    ending = UNENDED * (p.ended is False)
    expected = "" if p.exact else f" (expected={_bracketed(p.expected)})"
    return f"    probe {_source(p)}, prediction={answer}{ending}{expected}"


def _source(p: Prediction) -> str:
    return one_line(p.source) if isinstance(p.source, str) else str(p.source)


def _answer(p: Prediction) -> str:
    return _bracketed(p.prediction) + UNENDED * (p.ended is False)


def _score(p: Prediction) -> str:
    return "" if p.score is None else f" (score {p.score:.4f})"


def _bracketed(value: str | list[int]) -> str:
    """Return integers in brackets, and a text escaped to one line."""
    return one_line(value) if isinstance(value, str) else f"[{as_text(value)}]"


# ---- TSV and JSON ----


def tsv_lines(predictions: Sequence[Prediction]) -> str:
    """Return a line per prediction: source, answer and confidence, separated by tabs.

    Without a calibration, the probability takes the place of the confidence. A withheld answer is empty, and only the
    source of an unreadable record is not.
    """
    rows = []
    for p in predictions:
        score = p.probability if p.confidence is None else p.confidence
        texts = as_text(p.source or ""), as_text(p.prediction or "")
        rows.append([*(text.translate(LINEAR_TSV) for text in texts), "" if score is None else f"{score:.6g}"])
    return "\n".join(map("\t".join, rows))


def json_line(predictions: Sequence[Prediction], row: Record, n_best: int | None, attention: bool) -> str:
    """Return a line with a JSON object: the best prediction, its place, and the other values of its record.

    `n_best` adds all answers, null if there are none, and `attention` adds the attention.
    """
    best, *_ = answers = [p.to_dict(attention) for p in predictions]
    facts = {"line": row.place.number if row.place.kind else None, **best, "record": row.others}
    if n_best:
        shown = [{key: each[key] for key in ANSWER_KEYS if key in each} for each in answers]
        facts["n_best"] = None if best["prediction"] is None else shown
    if best["error"]:
        facts["error"] = with_option_names(best["error"])
    return json.dumps(facts)
