"""Predictions as lines of text and as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from seq2seq_demo.config import INTEGERS
from seq2seq_demo.console import one_line, red
from seq2seq_demo.data.records import Record
from seq2seq_demo.data.vocabulary import join_symbols
from seq2seq_demo.declarations import with_option_names
from seq2seq_demo.predictions import UNENDED, Prediction

# Keys that answers and errors use themselves; keys of the input with these names are not copied to the answer.
INPUT_KEYS = ("line", "index", "input", "input_tokens", "error")
ANSWER_KEYS = ("prediction", "prediction_tokens", "expected", "exact", "ended", "score", "attention", "n_best")
LINEAR_TSV = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
OWN_KEYS = {*INPUT_KEYS, *ANSWER_KEYS, "probability", "confidence", "probabilities"}


def prediction_line(p: Prediction) -> str:
    """Return a prediction in the format of the 2016 program; an unknown expected target is left out."""
    expected = "" if p.expected_text is None else f" (expected={_bracketed(p.tokens[1], p.expected_text)})"
    return f"==> For input {_source(p)}, prediction={_answer(p)}{expected}{_score(p)}"


def answer_lines(answers: Sequence[Prediction]) -> list[str]:
    """Return a line for each answer to a source, numbered from the second on; `answers` come best first."""
    numbered = [f"    {n}. {_answer(p)}{_score(p)}" for n, p in enumerate(answers[1:], start=2)]
    return [prediction_line(answers[0]), *numbered]


def probe_line(p: Prediction, colour: bool) -> str:
    """Return a line for the probe, a validation source; wrong symbols have a star and, with `colour`, are red."""
    mark, mistakes = red if colour else str, p.mistakes
    # The symbols are escaped one by one, because escaping the whole answer would escape the colours too.
    names = [one_line(str(name)) for name in p.predicted]
    answer = join_symbols(p.tokens[1], [mark(f"{name}*") if t in mistakes else name for t, name in enumerate(names)])
    answer = f"[{answer}]" if p.tokens[1] == INTEGERS else answer
    ending = UNENDED * (p.ended is False)
    expected = f" (expected={_bracketed(p.tokens[1], p.expected_text or '')})"
    is_right = p.predicted == p.expected and not ending
    return f"    probe {_source(p)}, prediction={answer}{ending}{'' if is_right else expected}"


def unanswered_line(p: Prediction) -> str:
    """Return a line for a source whose answer is withheld, because its confidence is low."""
    return f"==> For input {_source(p)}, no answer (confidence {p.confidence:.4f})"


def _source(p: Prediction) -> str:
    return str(p.source) if p.tokens[0] == INTEGERS else one_line(p.source_text)


def _answer(p: Prediction) -> str:
    return _bracketed(p.tokens[1], join_symbols(p.tokens[1], p.predicted)) + UNENDED * (p.ended is False)


def _score(p: Prediction) -> str:
    return "" if p.score is None else f" (score {p.score:.4f})"


def _bracketed(tokens: str, text: str) -> str:
    """Return integers in brackets, and any other text escaped to one line."""
    return f"[{text}]" if tokens == INTEGERS else one_line(text)


def answers_tsv(answers: Sequence[Prediction], is_answered: bool = True) -> str:
    """Return a line per answer: source, answer and confidence, separated by tabs; a withheld answer is empty.

    Without a calibration, the probability takes the place of the confidence.
    """
    texts = (p.text if is_answered else "" for p in answers)
    scores = (p.probability if p.confidence is None else p.confidence for p in answers)
    rows = [(p.source_text, text, f"{score:.6g}") for p, text, score in zip(answers, texts, scores, strict=True)]
    return "\n".join("\t".join(map(_tsv_field, row)) for row in rows[: None if is_answered else 1])


def error_tsv(row: Record) -> str:
    """Return the line for an unreadable row: its source as far as it is known, and two empty fields."""
    source = " ".join(map(str, row.values)) if isinstance(row.values, list) else row.values
    return f"{_tsv_field(source if isinstance(source, str) else '')}\t\t"


def _tsv_field(text: str) -> str:
    """Escape backslash, tab and line breaks, as Linear TSV does."""
    return text.translate(LINEAR_TSV)


def error_json(row: Record) -> str:
    """Return the error of an unreadable row as a JSON object on one line, with a source that has no line number."""
    source = {} if row.place.kind else {"input": row.values}
    return json.dumps(_input_fields(row) | source | {"error": with_option_names(str(row.error))})


def _input_fields(row: Record) -> dict[str, object]:
    """Return the JSON fields that identify an input: its line or index in the file, and its further keys."""
    key = {"line": "line", "sequence": "index"}.get(row.place.kind)
    place: dict[str, object] = {key: row.place.number} if key else {}
    handed_on = {name: value for name, value in (row.others or {}).items() if name not in OWN_KEYS}
    return place | handed_on


def answers_json(answers: Sequence[Prediction], row: Record, n_best: int | None, is_answered: bool = True) -> str:
    """Return a line with a JSON object: the row, the best answer and, if `n_best` is given, all answers.

    If `is_answered` is False, the prediction is null.
    """
    best = answers[0]
    source, target = best.tokens
    facts = _input_fields(row) | {"input": best.source_text if source != INTEGERS else best.source}
    if source != INTEGERS:
        facts["input_tokens"] = best.source
    expected = best.expected_text if target != INTEGERS else best.expected
    facts |= {"prediction": None, "expected": expected}
    if not is_answered:
        return json.dumps(facts | {"exact": None, "ended": best.ended} | _probability_dict(best))
    facts |= {"exact": best.exact} | _answer_dict(best)
    if n_best:
        facts["n_best"] = [_answer_dict(p) for p in answers]
    return json.dumps(facts)


def _answer_dict(p: Prediction) -> dict[str, Any]:
    is_text = p.tokens[1] != INTEGERS
    facts = {
        "prediction": join_symbols(p.tokens[1], p.predicted) if is_text else p.predicted,
        "prediction_tokens": p.predicted if is_text else None,
        "ended": p.ended,
        "score": None if p.score is None else round(p.score, 6),
        **_probability_dict(p),
        "probabilities": [round(probability, 6) for probability in p.probabilities],
        "attention": None if p.attention is None else [[round(a, 6) for a in row] for row in p.attention.tolist()],
    }
    return {name: value for name, value in facts.items() if value is not None}


def _probability_dict(p: Prediction) -> dict[str, float]:
    values = {"probability": p.probability if p.probabilities else None, "confidence": p.confidence}
    return {name: round(value, 6) for name, value in values.items() if value is not None}
