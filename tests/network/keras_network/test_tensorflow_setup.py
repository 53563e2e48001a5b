import subprocess
import sys

import pytest
from helpers import PYTHON, environment


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the fork server has loaded Keras with the settings of a user")
def test_the_settings_of_keras_are_overridden():
    code = "import keras; print(keras.backend.backend(), keras.config.floatx(), keras.config.is_nnx_enabled())"
    done = subprocess.run([*PYTHON, "-c", code], env=environment(), check=True, capture_output=True, text=True)
    assert done.stdout == "tensorflow float16 False\n"
