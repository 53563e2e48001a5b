"""Predictions, each as a line of text or as JSON."""

import json
from typing import Any

from seq2seq_demo.display.heatmap import red
from seq2seq_demo.trained_network import Prediction


def prediction_line(p: Prediction) -> str:
    """Return the line that 2016 printed for a sequence, without an expectation that nobody has."""
    unended = " ...] (did not end)" if p.ended is False else "]"
    text = f"==> For input {p.source}, prediction=[{' '.join(map(str, p.predicted))}{unended}"
    return text if p.expected is None else f"{text} (expected=[{' '.join(map(str, p.expected))}])"


def prediction_json(p: Prediction, about: dict[str, Any]) -> str:
    """Return a JSON object in a line; it begins with what is known about the input."""
    facts = about | {"input": p.source, "prediction": p.predicted, "expected": p.expected, "exact": p.exact}
    if p.ended is not None:
        facts["ended"] = p.ended
    facts["probabilities"] = [round(probability, 6) for probability in p.probabilities or ()]
    if p.attention is not None:
        facts["attention"] = [[round(weight, 6) for weight in row] for row in p.attention.tolist()]
    return json.dumps(facts)


def probe_line(source: list[int], predicted: list[int], expected: list[int], colour: bool) -> str:
    """Return a line that marks each wrong symbol with a star, and in colour."""
    mark = red if colour else str
    marked = [str(p) if [p] == expected[t : t + 1] else mark(f"{p}*") for t, p in enumerate(predicted)]
    expectation = "" if predicted == expected else f" (expected=[{' '.join(map(str, expected))}])"
    return f"    probe {source}, prediction=[{' '.join(marked)}]{expectation}"
