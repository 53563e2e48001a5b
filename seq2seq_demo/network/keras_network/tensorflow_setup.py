"""Settings of TensorFlow and Keras that count only before they are loaded; importing this loads them, in seconds."""

import contextlib
import os
from importlib.metadata import version

os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever ~/.keras/keras.json says
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# How TensorFlow is to compute: measured on two cores with the 2016 sizes, attention and rnn, in samples a second.
#
# XLA: 27,500 and 57,000 with it, 11,000 and 28,000 without. It takes 2 s more to compile than a graph to build, which
# that many samples win back.
XLA_PAYS_FROM = 50_000
# Threads within an operation: at 32 units a second one costs 3 % with XLA and 30 % without (nothing at length 50); at
# 128 units it gives 1.2 to 1.35 times the speed, at 256 1.4 times.
THREADS_PAY_FROM = 128
# XLA unrolls short loops before LLVM can vectorise them, which leaves some tanh scalar: without that, 1.04 times the
# speed, and compiled in two thirds of the time. Fewer copies of what a loop carries: 1.05 to 1.1 times.
_XLA_FLAGS = ["--xla_backend_extra_options=xla_cpu_disable_loop_unrolling"]
if version("tensorflow").startswith("2.21."):  # XLA ends the process over a flag that it does not know
    _XLA_FLAGS.append("--xla_cpu_copy_insertion_use_region_analysis=true")
os.environ["XLA_FLAGS"] = " ".join([*_XLA_FLAGS, os.environ.get("XLA_FLAGS", "")])


# While it is loaded, TensorFlow writes to standard error whatever is set.
with open(os.devnull, "w") as _nowhere:
    _kept = os.dup(2)
    os.dup2(_nowhere.fileno(), 2)
    try:
        import tensorflow as tf
    finally:
        os.dup2(_kept, 2)
        os.close(_kept)
# Every training compiles steps of its own, which after a few TensorFlow would call retracing.
tf.get_logger().addFilter(lambda record: "retracing" not in record.getMessage())


def set_threads(cell_size: int, shares_cores: bool = False) -> None:
    """Give each operation one core, or all of them where it is large enough and no other process trains with this one.

    TensorFlow takes only the first call.
    """
    threads = os.cpu_count() if cell_size >= THREADS_PAY_FROM and not shares_cores else 1
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
