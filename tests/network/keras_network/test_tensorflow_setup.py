import subprocess
import sys

import pytest
from helpers import environment

pytestmark = pytest.mark.slow

TRAINING = ["-m", "seq2seq_demo", "train", "100", "-p", "sorted", "-e", "1", "--in-len", "3"]


def test_the_settings_of_keras_are_overridden(tmp_path):
    settings = '{"backend": "torch", "floatx": "float16", "nnx_enabled": true}'
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(settings)
    command = [sys.executable, *TRAINING, "-o", tmp_path / "a.h5", "--log-dir", tmp_path / "logs"]
    options = {"cwd": tmp_path, "env": environment(HOME=str(tmp_path)), "timeout": 100}
    assert subprocess.run(command, check=False, capture_output=True, text=True, **options).returncode == 0
