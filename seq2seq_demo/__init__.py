"""Small sequence-to-sequence networks on integer sequences: train them, and see what they learned.

The Python API; each name is imported when it is first used, so that `import seq2seq_demo` takes no time:

    from seq2seq_demo import load, train
    network = train("reversed", points=20_000, in_len=5, model="embedding_attention")
    network.predict([[3, 1, 2, 0, 9]])
    network.evaluate("reversed").exact_match
    network.save("reversed.h5")
"""

from importlib import import_module

TYPE_CHECKING = False  # as type checkers take it; importing `typing` would take longer than all the rest
if TYPE_CHECKING:  # so that editors and type checkers know their types
    from seq2seq_demo.callbacks import Callback
    from seq2seq_demo.config import ModelConfig, TrainConfig
    from seq2seq_demo.data.pair_task import PairTask
    from seq2seq_demo.data.pattern_task import SequencePattern, find_pattern
    from seq2seq_demo.data.sequences import Pairs, Sequences
    from seq2seq_demo.data.tasks import Task
    from seq2seq_demo.data.user_functions import per_sequence
    from seq2seq_demo.errors import DemoError, InputError, Interrupted, TrainingError, UsageError, WeightsError
    from seq2seq_demo.figures import EpochFigures, Evaluation, Figures
    from seq2seq_demo.predictions import Prediction
    from seq2seq_demo.trained_network import TrainedNetwork, evaluate, load
    from seq2seq_demo.training.train import train

__version__ = "0.2.0"
__all__ = [
    "Callback",
    "DemoError",
    "EpochFigures",
    "Evaluation",
    "Figures",
    "InputError",
    "Interrupted",
    "ModelConfig",
    "PairTask",
    "Pairs",
    "Prediction",
    "SequencePattern",
    "Sequences",
    "Task",
    "TrainConfig",
    "TrainedNetwork",
    "TrainingError",
    "UsageError",
    "WeightsError",
    "evaluate",
    "find_pattern",
    "load",
    "per_sequence",
    "train",
]
_MODULES = {
    "callbacks": ("Callback",),
    "config": ("ModelConfig", "TrainConfig"),
    "data.pair_task": ("PairTask",),
    "data.pattern_task": ("SequencePattern", "find_pattern"),
    "data.sequences": ("Pairs", "Sequences"),
    "data.tasks": ("Task",),
    "data.user_functions": ("per_sequence",),
    "errors": ("DemoError", "InputError", "Interrupted", "TrainingError", "UsageError", "WeightsError"),
    "figures": ("EpochFigures", "Evaluation", "Figures"),
    "predictions": ("Prediction",),
    "trained_network": ("TrainedNetwork", "evaluate", "load"),
    "training.train": ("train",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
