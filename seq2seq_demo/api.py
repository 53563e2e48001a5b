# ruff: noqa: PLC0414
"""The Python API. `import X as X` exports the name X from the package, for Python and for type checkers."""

from seq2seq_demo.data.patterns import patterns as patterns
from seq2seq_demo.data.reading import read_pairs as read_pairs
from seq2seq_demo.errors import (
    InputError as InputError,
    Seq2SeqError as Seq2SeqError,
    TrainingError as TrainingError,
    UsageError as UsageError,
    WeightsError as WeightsError,
)
from seq2seq_demo.trained.evaluation_report import Evaluation as Evaluation
from seq2seq_demo.trained.loading import ensemble as ensemble, load as load, networks as networks
from seq2seq_demo.trained.metrics import Epoch as Epoch
from seq2seq_demo.trained.plots import History as History
from seq2seq_demo.trained.predictions import Prediction as Prediction
from seq2seq_demo.trained.trained_network import TrainedNetwork as TrainedNetwork
from seq2seq_demo.training.callbacks import Callback as Callback, TrainingState as TrainingState
from seq2seq_demo.training.train import train as train
