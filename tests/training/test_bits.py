"""The same training run gives the same bits on one machine, as `TrainConfig` and files/README.md promise."""

import subprocess

import pytest
from helpers import PYTHON, environment

# The child may use one core, and trains first; the parent may use all, and has trained another network.
PROGRAM = """
import hashlib, os
from seq2seq_demo import train
import seq2seq_demo.training.trainer

def trained(units):
    return train("reversed", points=500, epochs=1, model="rnn", cell_type="RNN", cell_size=units).weights

def say(train, units):
    try:
        print(hashlib.sha256(b"".join(array.tobytes() for array in train(units).values())).hexdigest(), flush=True)
    except Exception as error:
        print(error, flush=True)

def in_child(units):
    if not os.fork():
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        say(trained, units)
        os._exit(0)
    os.wait()

in_child(128)
trained(200)
say(trained, 128)
in_child(128)
"""


@pytest.mark.slow
def test_cores_and_earlier_trainings_change_no_bit_and_a_fork_trains_unless_tensorflow_was_in_use():
    """From 128 units on, a training uses all threads of the machine. A fork lacks them and would wait for ever."""
    process = subprocess.run([*PYTHON, "-c", PROGRAM], env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    of_child, of_parent, refusal = process.stdout.splitlines()
    assert of_child == of_parent
    assert len(of_child) == 64
    assert refusal == 'a process forked after TensorFlow had started cannot train; start it with "spawn"'
