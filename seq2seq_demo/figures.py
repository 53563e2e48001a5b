"""The figures that a training reports and a weights file records."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from seq2seq_demo.files.typed_json import typed


@dataclass(frozen=True)
class Figures:
    """Loss in nats per symbol, with teacher forcing; the others are shares from 0 to 1."""

    loss: float
    forced_token_accuracy: float
    forced_exact_match: float
    token_accuracy: float  # free-running, as is the next
    exact_match: float

    @classmethod
    def of(cls, evaluation: Any) -> Figures:
        """Return the figures of an evaluation, which has attributes of these names."""
        return cls(*(getattr(evaluation, field.name) for field in fields(cls)))


@dataclass(frozen=True)
class EpochFigures:
    """Figures of one epoch: means over its training points, with teacher forcing, and those on the validation pairs."""

    epoch: int  # counted from 1
    step: int  # of Adam, at the end of the epoch
    loss: float
    token_accuracy: float
    validation: Figures

    def to_json(self) -> dict[str, float]:
        """Return a flat dictionary; the validation figures are called `validation_…`."""
        facts = asdict(self)
        return facts | {f"validation_{name}": value for name, value in facts.pop("validation").items()}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> EpochFigures:
        """Return the figures that `to_json` made the dictionary of.

        Raises:
            WeightsError: a figure is missing or of another type.
        """
        prefix = "validation_"
        figures = {name.removeprefix(prefix): facts[name] for name in facts if name.startswith(prefix)}
        others = {name: facts[name] for name in facts if not name.startswith(prefix)}
        return typed(cls, others | {"validation": typed(Figures, figures)})
