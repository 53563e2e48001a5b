"""Train small sequence-to-sequence networks on pairs of sequences, and inspect them.

These names are the Python API. A name is imported when it is first used, so that `import seq2seq_demo` is fast.

An example:

    from seq2seq_demo import load, train
    network = train("reversed", points=20_000, in_len=5, model="embedding_attention")
    network.predict([[3, 1, 2, 0, 9]])
    network.evaluate("reversed").exact_match
    network.save("reversed.h5")
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers assume True; importing `typing` would take longer than the rest of this file
if TYPE_CHECKING:  # `import X as X` marks X as exported
    from seq2seq_demo.calibration import AnswerProbabilities as AnswerProbabilities
    from seq2seq_demo.callbacks import Callback as Callback, StopTraining as StopTraining
    from seq2seq_demo.cells import CellType as CellType
    from seq2seq_demo.config import (
        Beam as Beam,
        ModelConfig as ModelConfig,
        Settings as Settings,
        TrainConfig as TrainConfig,
    )
    from seq2seq_demo.data.pair_task import PairTask as PairTask
    from seq2seq_demo.data.pattern_task import SequencePattern as SequencePattern, find_pattern as find_pattern
    from seq2seq_demo.data.sequences import Pairs as Pairs, Sequences as Sequences
    from seq2seq_demo.data.tasks import Task as Task
    from seq2seq_demo.data.user_functions import per_sequence as per_sequence
    from seq2seq_demo.data.vocabulary import Vocabularies as Vocabularies, Vocabulary as Vocabulary
    from seq2seq_demo.ensembles import ensemble as ensemble
    from seq2seq_demo.errors import (
        DemoError as DemoError,
        InputError as InputError,
        Interrupted as Interrupted,
        Seq2SeqError as Seq2SeqError,
        TrainingError as TrainingError,
        UsageError as UsageError,
        WeightsError as WeightsError,
    )
    from seq2seq_demo.evaluation import EvaluationRow as EvaluationRow
    from seq2seq_demo.figures import (
        EpochFigures as EpochFigures,
        Evaluation as Evaluation,
        Figures as Figures,
        History as History,
        Tally as Tally,
        WrongAnswer as WrongAnswer,
        WrongAnswers as WrongAnswers,
    )
    from seq2seq_demo.files.recording import Recording as Recording
    from seq2seq_demo.files.stored_network import (
        DataFingerprint as DataFingerprint,
        EarlierRun as EarlierRun,
        StoredNetwork as StoredNetwork,
        TrainingRun as TrainingRun,
    )
    from seq2seq_demo.network.numpy_network import (
        Decoded as Decoded,
        DecoderState as DecoderState,
        NumpyNetwork as NumpyNetwork,
    )
    from seq2seq_demo.predictions import Prediction as Prediction
    from seq2seq_demo.trained_network import TrainedNetwork as TrainedNetwork, evaluate as evaluate, load as load
    from seq2seq_demo.training.train import train as train

__version__ = "0.2.0"
_MODULES = {
    "calibration": ("AnswerProbabilities",),
    "callbacks": ("Callback", "StopTraining"),
    "cells": ("CellType",),
    "config": ("Beam", "ModelConfig", "Settings", "TrainConfig"),
    "data.pair_task": ("PairTask",),
    "data.pattern_task": ("SequencePattern", "find_pattern"),
    "data.sequences": ("Pairs", "Sequences"),
    "data.tasks": ("Task",),
    "data.user_functions": ("per_sequence",),
    "data.vocabulary": ("Vocabularies", "Vocabulary"),
    "ensembles": ("ensemble",),
    "errors": ("Seq2SeqError", "DemoError", "InputError", "Interrupted", "TrainingError", "UsageError", "WeightsError"),
    "evaluation": ("EvaluationRow",),
    "figures": ("EpochFigures", "Evaluation", "Figures", "History", "Tally", "WrongAnswer", "WrongAnswers"),
    "files.recording": ("Recording",),
    "files.stored_network": ("DataFingerprint", "EarlierRun", "StoredNetwork", "TrainingRun"),
    "network.numpy_network": ("Decoded", "DecoderState", "NumpyNetwork"),
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
