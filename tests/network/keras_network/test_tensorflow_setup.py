import os
import subprocess
import sys

import pytest
from helpers import ROOT

pytestmark = pytest.mark.slow

TRAINING = ["-m", "seq2seq_demo", "train", "100", "-p", "sorted", "-e", "1", "--in-len", "3"]
GOT = """expected TensorFlow to load, got AttributeError("'list' object has no attribute 'get'")"""
ERROR = f"seq2seq-demo: error: {GOT}; is ~/.keras/keras.json damaged?\n"


@pytest.mark.parametrize(
    ("settings", "error"),
    [("[]", ERROR), ('{"backend": "torch", "floatx": "float16", "nnx_enabled": true}', "")],
)
def test_the_settings_of_keras(settings, error, tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(settings)
    command = [sys.executable, *TRAINING, "-o", tmp_path / "a.h5", "--log-dir", tmp_path / "logs"]
    environment = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=100
    )
    assert (done.returncode, done.stderr if error else "") == (bool(error), error)
