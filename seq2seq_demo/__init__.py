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
if TYPE_CHECKING:  # editors and type checkers take a name that is imported `as` itself as exported
    from seq2seq_demo.callbacks import Callback as Callback
    from seq2seq_demo.config import ModelConfig as ModelConfig
    from seq2seq_demo.config import TrainConfig as TrainConfig
    from seq2seq_demo.data.pair_task import PairTask as PairTask
    from seq2seq_demo.data.pattern_task import SequencePattern as SequencePattern
    from seq2seq_demo.data.pattern_task import find_pattern as find_pattern
    from seq2seq_demo.data.sequences import Pairs as Pairs
    from seq2seq_demo.data.sequences import Sequences as Sequences
    from seq2seq_demo.data.tasks import Task as Task
    from seq2seq_demo.data.user_functions import per_sequence as per_sequence
    from seq2seq_demo.errors import DemoError as DemoError
    from seq2seq_demo.errors import InputError as InputError
    from seq2seq_demo.errors import Interrupted as Interrupted
    from seq2seq_demo.errors import Seq2SeqError as Seq2SeqError
    from seq2seq_demo.errors import TrainingError as TrainingError
    from seq2seq_demo.errors import UsageError as UsageError
    from seq2seq_demo.errors import WeightsError as WeightsError
    from seq2seq_demo.figures import EpochFigures as EpochFigures
    from seq2seq_demo.figures import Evaluation as Evaluation
    from seq2seq_demo.figures import Figures as Figures
    from seq2seq_demo.predictions import Prediction as Prediction
    from seq2seq_demo.trained_network import TrainedNetwork as TrainedNetwork
    from seq2seq_demo.trained_network import evaluate as evaluate
    from seq2seq_demo.trained_network import load as load
    from seq2seq_demo.training.train import train as train

__version__ = "0.2.0"
_MODULES = {
    "callbacks": ("Callback",),
    "config": ("ModelConfig", "TrainConfig"),
    "data.pair_task": ("PairTask",),
    "data.pattern_task": ("SequencePattern", "find_pattern"),
    "data.sequences": ("Pairs", "Sequences"),
    "data.tasks": ("Task",),
    "data.user_functions": ("per_sequence",),
    "errors": ("Seq2SeqError", "DemoError", "InputError", "Interrupted", "TrainingError", "UsageError", "WeightsError"),
    "figures": ("EpochFigures", "Evaluation", "Figures"),
    "predictions": ("Prediction",),
    "trained_network": ("TrainedNetwork", "evaluate", "load"),
    "training.train": ("train",),
}
_MODULE_OF = dict(sorted((name, module) for module, names in _MODULES.items() for name in names))
__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
