# ruff: noqa: PLC0414
"""The Python API. `import X as X` exports the name X from the package, for Python and for type checkers."""

from seq2seq_demo.callbacks import Callback as Callback, StopTraining as StopTraining
from seq2seq_demo.config import (
    Beam as Beam,
    ModelConfig as ModelConfig,
    Settings as Settings,
    TrainConfig as TrainConfig,
)
from seq2seq_demo.data.pair_task import PairTask as PairTask
from seq2seq_demo.data.patterns import PatternTask as PatternTask, find_pattern as find_pattern
from seq2seq_demo.data.reading import read_pairs as read_pairs
from seq2seq_demo.data.sequences import Pairs as Pairs, Sequences as Sequences
from seq2seq_demo.data.vocabulary import Vocabulary as Vocabulary
from seq2seq_demo.errors import (
    InputError as InputError,
    Interrupted as Interrupted,
    Seq2SeqError as Seq2SeqError,
    TrainingError as TrainingError,
    UsageError as UsageError,
    WeightsError as WeightsError,
)
from seq2seq_demo.files.recording import Recording as Recording
from seq2seq_demo.metrics import EpochFigures as EpochFigures, Evaluation as Evaluation, Figures as Figures
from seq2seq_demo.network.numpy_network import NumpyNetwork as NumpyNetwork
from seq2seq_demo.plots import History as History
from seq2seq_demo.predictions import Prediction as Prediction
from seq2seq_demo.trained_network import TrainedNetwork as TrainedNetwork, ensemble as ensemble, load as load
from seq2seq_demo.training.train import train as train
