"""Settings that TensorFlow and Keras read only when they are loaded.

Importing this module applies the settings and loads TensorFlow, which takes a few seconds.
"""

import contextlib
import ctypes
import functools
import gc
import os
from importlib.metadata import version

from seq2seq_demo.errors import TrainingError, require_tensorflow

require_tensorflow()
os.environ |= {"KERAS_BACKEND": "tensorflow", "KERAS_NNX_ENABLED": "false"}  # override ~/.keras/keras.json
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# The speeds below were measured on two cores and, unless stated otherwise, with the 2016 sizes.
#
# With XLA, networks with attention train on 27,500 samples a second instead of 11,000, and others on 57,000 instead of
# 28,000. Compiling with XLA takes 2 s longer than building TensorFlow's graph; training on this many samples makes up
# for it. When training on pairs, 25,000 samples are enough with 64 units, and 12,500 are enough with 128 units.
MIN_SAMPLES_FOR_XLA = 50_000  # with up to 32 units
# With 32 units, a second thread per operation slows training by 3% with XLA. Without XLA, it slows training by 30%,
# except at length 50. It makes training 1.2 to 1.35 times as fast with 128 units and 1.4 times as fast with 256 units.
MIN_UNITS_FOR_THREADS = 128
# Disabling XLA's loop unrolling lets LLVM vectorise every tanh. This makes training 1.04 times as fast and shortens
# compilation by a third. Region analysis avoids copying the loop's carry and makes training 1.05 to 1.1 times as fast.
_XLA_FLAGS = ["--xla_backend_extra_options=xla_cpu_disable_loop_unrolling"]
if version("tensorflow").startswith("2.21."):  # XLA aborts the process if it does not know a flag
    _XLA_FLAGS.append("--xla_cpu_copy_insertion_use_region_analysis=true")
os.environ["XLA_FLAGS"] = " ".join([*_XLA_FLAGS, os.environ.get("XLA_FLAGS", "")])

# TensorFlow writes to standard error while it is loading, regardless of its log level. Discard this output.
with open(os.devnull, "wb") as _devnull:
    _stderr = os.dup(2)
    os.dup2(_devnull.fileno(), 2)
    try:
        import keras  # noqa: F401
        import tensorflow as tf
    except Exception as error:  # such as an error in the user's Keras or Matplotlib settings
        raise TrainingError(f"cannot load TensorFlow and Keras: {type(error).__name__}: {error}") from error
    finally:
        os.dup2(_stderr, 2)
        os.close(_stderr)
# Every training run compiles new step functions; after a few runs, TensorFlow would warn about retracing.
tf.get_logger().addFilter(lambda record: "retracing" not in record.getMessage())


@functools.cache
def _first_process() -> int:
    """Return the id of the process that called this function first; a fork of this process returns the same id."""
    return os.getpid()


def set_threads(cell_size: int) -> None:
    """Set the number of threads per operation: one per core if cells are large, otherwise one.

    Only the first call has an effect. The number of threads can affect the last bits of the weights, so it does not
    depend on the CPU affinity of the process.

    Raises:
        TrainingError: this process would hang because it was forked from a process that had trained a network.
    """
    if _first_process() != os.getpid():
        raise TrainingError('a process forked after TensorFlow had started cannot train; start it with "spawn"')
    threads = os.cpu_count() if cell_size >= MIN_UNITS_FOR_THREADS else 1
    with contextlib.suppress(RuntimeError):  # if TensorFlow has already started its threads
        tf.config.threading.set_intra_op_parallelism_threads(threads)


def release_memory() -> None:
    """Free objects in reference cycles, and return freed memory to the system if the C library supports this."""
    gc.collect()
    with contextlib.suppress(AttributeError, TypeError):  # only glibc has this function; on Windows, CDLL needs a name
        ctypes.CDLL(None).malloc_trim(0)
