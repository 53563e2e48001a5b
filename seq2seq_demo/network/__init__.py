"""The network in TensorFlow and Keras: `cells`, `encoder`, `attention`, `decoder`, `model`, in the order data flows.

Importing this loads TensorFlow, which takes seconds: only training and `--engine keras` do.
"""

import contextlib
import os

os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever ~/.keras/keras.json says
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextlib.contextmanager
def _closed_stderr():
    """Send standard error nowhere: while it is loaded, TensorFlow writes there and heeds no setting."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _closed_stderr():
    import tensorflow  # noqa: F401
