"""Predictions, each as a line of text or as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from seq2seq_demo.config import INTEGERS
from seq2seq_demo.data.vocabulary import joined
from seq2seq_demo.display.console import in_a_line
from seq2seq_demo.display.heatmap import red
from seq2seq_demo.predictions import Prediction


def prediction_line(p: Prediction) -> str:
    """Return the line that 2016 printed for a sequence, without an expectation that nobody has."""
    source = _shown(p.tokens[0], p.source, str(p.source))
    expected = "" if p.expected is None else f" (expected={_shown(p.tokens[1], p.expected)})"
    return f"==> For input {source}, prediction={_answer(p)}{expected}{_score(p)}"


def _answer(p: Prediction) -> str:
    """Return an answer, and whether it lacks its end."""
    text = p.text if p.ended is not False else f"{p.text} ..."
    text = f"[{text}]" if p.tokens[1] == INTEGERS else in_a_line(text)
    return f"{text} (did not end)" if p.ended is False else text


def _score(p: Prediction) -> str:
    return "" if p.score is None else f" (score {p.score:.4f})"


def _shown(tokens: str, names: list[Any], integers: str | None = None) -> str:
    """Return symbols as a text, or integers in brackets."""
    text = joined(tokens, names)
    return in_a_line(text) if tokens != INTEGERS else integers or f"[{text}]"


def answer_lines(answers: Sequence[Prediction]) -> list[str]:
    """Return a line for the best answer to a source, and one for each other one."""
    return [
        prediction_line(answers[0]),
        *(f"    {n}. {_answer(p)}{_score(p)}" for n, p in enumerate(answers[1:], start=2)),
    ]


def answers_json(answers: Sequence[Prediction], about: dict[str, Any], n_best: int | None) -> str:
    """Return a JSON object in a line; it begins with what is known about the input. `n_best` asks for all answers."""
    best = answers[0]
    source, target = best.tokens
    facts = about | {"input": best.source_text if source != INTEGERS else best.source}
    if source != INTEGERS:
        facts["input_tokens"] = best.source
    expected = best.expected_text if target != INTEGERS else best.expected
    facts |= {"prediction": None, "expected": expected, "exact": best.exact} | _answer_dict(best)
    if n_best:
        facts["n_best"] = [_answer_dict(p) for p in answers]
    return json.dumps(facts)


def _answer_dict(p: Prediction) -> dict[str, Any]:
    """Return an answer as JSON has it."""
    is_text = p.tokens[1] != INTEGERS
    facts: dict[str, Any] = {"prediction": p.text if is_text else p.predicted}
    if is_text:
        facts["prediction_tokens"] = p.predicted
    if p.ended is not None:
        facts["ended"] = p.ended
    if p.score is not None:
        facts["score"] = round(p.score, 6)
    facts["probabilities"] = [round(probability, 6) for probability in p.probabilities or ()]
    if p.attention is not None:
        facts["attention"] = [[round(weight, 6) for weight in row] for row in p.attention.tolist()]
    return facts


def probe_line(p: Prediction, colour: bool) -> str:
    """Return a line that marks each wrong symbol with a star, and in colour."""
    mark, expected = red if colour else str, p.expected or []
    names = [in_a_line(str(name)) for name in p.predicted]
    marked = [
        name if [symbol] == expected[t : t + 1] else mark(f"{name}*")
        for t, (name, symbol) in enumerate(zip(names, p.predicted, strict=True))
    ]
    expectation = "" if p.predicted == expected else f" (expected={_shown(p.tokens[1], expected)})"
    source = _shown(p.tokens[0], p.source, str(p.source))
    answer = joined(p.tokens[1], marked)  # each symbol is shown as it should be: as a whole, colours would be escaped
    answer = f"[{answer}]" if p.tokens[1] == INTEGERS else answer
    return f"    probe {source}, prediction={answer}{expectation}"
