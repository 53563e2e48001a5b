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
    return train("reversed", points=500, epochs=1, model="embedding_attention", cell_size=units).weights
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
@pytest.mark.parametrize(("units", "first"), [(60, 127), (128, 200)])
def test_fewer_cores_or_an_earlier_training_with_equal_threads_change_no_bit(units, first):
    expected = weights_checksum(units, cores={min(os.sched_getaffinity(0))})
    assert weights_checksum(units, before=f"trained({first})") == expected


@pytest.mark.parametrize(
    ("units", "shares_cores", "uses_all"), [(127, False, False), (128, True, False), (128, False, True)]
)
def test_threads_depend_on_the_machine_not_on_the_cores_that_a_process_may_use(
    monkeypatch, units, shares_cores, uses_all
):
    chosen = []
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    monkeypatch.setattr("tensorflow.config.threading.set_intra_op_parallelism_threads", chosen.append)
    tensorflow_setup.set_threads(units, shares_cores)
    assert chosen == [16 if uses_all else 1]
