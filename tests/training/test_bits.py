"""The same training run gives the same bits on one machine, as `TrainConfig` and files/README.md promise."""

import os
import subprocess

import pytest
from helpers import PYTHON, environment

from seq2seq_demo.network.keras_network import tensorflow_setup

TRAIN = """
import hashlib
from seq2seq_demo import train
def trained(units):
    return train("reversed", points=500, epochs=1, cell_type="RNN", cell_size=units).weights
{before}
print(hashlib.sha256(b"".join(array.tobytes() for array in trained({units}).values())).hexdigest())
"""


def weights_checksum(units, before="", cores=None):
    """Train in a new process, on the given cores; return a checksum of the weights. `before` is code to run first."""
    program = TRAIN.format(before=before, units=units)
    if cores:
        program = f"import os; os.sched_setaffinity(0, {cores})" + program
    process = subprocess.run([*PYTHON, "-c", program], env=environment(), stdout=subprocess.PIPE, check=True)
    return process.stdout


@pytest.mark.slow
def test_fewer_cores_or_an_earlier_training_with_equal_threads_change_no_bit():
    """From 128 units on, where a training uses all threads of the machine."""
    expected = weights_checksum(128, cores={min(os.sched_getaffinity(0))})
    assert weights_checksum(128, before="trained(200)") == expected


@pytest.mark.parametrize(("units", "uses_all"), [(127, False), (128, True)])
def test_threads_depend_on_the_machine_not_on_the_cores_that_a_process_may_use(monkeypatch, units, uses_all):
    chosen = []
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    monkeypatch.setattr("tensorflow.config.threading.set_intra_op_parallelism_threads", chosen.append)
    tensorflow_setup.set_threads(units)
    assert chosen == [16 if uses_all else 1]


FORK = """
import os, sys
import numpy as np
from seq2seq_demo import load, train
def trained():
    return train("copy", points=20, in_len=2, epochs=1, cell_size=2)
{before}
if not (child := os.fork()):
    try:
        trained()
    except BaseException as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "is_refused"), [("import seq2seq_demo.training.trainer", False), ("trained()", True)]
)
def test_a_forked_process_trains_unless_tensorflow_was_in_use(before, is_refused):
    """A fork has none of the threads of TensorFlow, for which training would wait for ever."""
    process = subprocess.run(
        [*PYTHON, "-c", FORK.format(before=before)], env=environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    message = 'a process forked after TensorFlow had started cannot train; start it with "spawn"\n'
    assert process.stdout == (message if is_refused else "")
