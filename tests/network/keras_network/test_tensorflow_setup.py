import subprocess
import sys

import pytest
from helpers import environment

pytestmark = pytest.mark.slow

SETUP = "from seq2seq_demo.network.keras_network import tensorflow_setup; import keras; print(keras.backend.backend())"


def test_the_settings_of_keras_are_overridden(tmp_path):
    settings = '{"backend": "torch", "floatx": "float16", "nnx_enabled": true}'
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(settings)
    options = {"cwd": tmp_path, "env": environment(HOME=str(tmp_path)), "timeout": 100}
    done = subprocess.run([sys.executable, "-c", SETUP], check=True, capture_output=True, text=True, **options)
    assert done.stdout == "tensorflow\n"
