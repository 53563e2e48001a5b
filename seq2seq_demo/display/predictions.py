"""Predictions, each as a line of text or as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from seq2seq_demo.config import INTEGERS
from seq2seq_demo.data.vocabulary import join_symbols
from seq2seq_demo.display.console import in_a_line
from seq2seq_demo.display.heatmap import red
from seq2seq_demo.predictions import Prediction


def prediction_line(p: Prediction) -> str:
    """Return the line that 2016 printed for a sequence, without an expectation that nobody has."""
    answer, score = _answer(p), _score(p)
    expected = "" if p.expected_text is None else f" (expected={_shown(p.tokens[1], p.expected_text)})"
    return f"==> For input {_source(p)}, prediction={answer}{expected}{score}"


def answer_lines(answers: Sequence[Prediction]) -> list[str]:
    """Return a line for the best answer to a source, and one for each other one."""
    others = [f"    {n}. {_answer(p)}{_score(p)}" for n, p in enumerate(answers[1:], start=2)]
    return [prediction_line(answers[0]), *others]


def probe_line(p: Prediction, colour: bool) -> str:
    """Return a line that marks each wrong symbol with a star, and in colour."""
    mark, wrong = red if colour else str, p.mistakes
    names = [in_a_line(str(name)) for name in p.predicted]
    # Each symbol is shown as it should be: as a whole, colours would be escaped.
    answer = join_symbols(p.tokens[1], [mark(f"{name}*") if t in wrong else name for t, name in enumerate(names)])
    answer = f"[{answer}]" if p.tokens[1] == INTEGERS else answer
    expected = "" if p.predicted == p.expected else f" (expected={_shown(p.tokens[1], p.expected_text or '')})"
    return f"    probe {_source(p)}, prediction={answer}{expected}"


def _source(p: Prediction) -> str:
    return str(p.source) if p.tokens[0] == INTEGERS else in_a_line(p.source_text)


def _answer(p: Prediction) -> str:
    """Return an answer, and whether it lacks its end."""
    if p.ended is False:
        return _shown(p.tokens[1], f"{p.text} ...") + " (did not end)"
    return _shown(p.tokens[1], p.text)


def _score(p: Prediction) -> str:
    return "" if p.score is None else f" (score {p.score:.4f})"


def _shown(tokens: str, text: str) -> str:
    """Return a text in a line, or integers in brackets."""
    return f"[{text}]" if tokens == INTEGERS else in_a_line(text)


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
    facts = {
        "prediction": p.text if is_text else p.predicted,
        "prediction_tokens": p.predicted if is_text else None,
        "ended": p.ended,
        "score": None if p.score is None else round(p.score, 6),
        "probabilities": [round(probability, 6) for probability in p.probabilities or ()],
        "attention": None if p.attention is None else [[round(a, 6) for a in row] for row in p.attention.tolist()],
    }
    return {name: value for name, value in facts.items() if value is not None}
