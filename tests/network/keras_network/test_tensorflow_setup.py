import subprocess
import sys

import pytest
from helpers import environment

pytestmark = pytest.mark.slow

TRAINING = ["-m", "seq2seq_demo", "train", "100", "-p", "sorted", "-e", "1", "--in-len", "3"]
GOT = """expected TensorFlow to load, got AttributeError("'list' object has no attribute 'get'")"""
MAIN = "from seq2seq_demo.cli import main; raise SystemExit(main())"
CAUSES = "too low a limit (see `ulimit -a`) or a damaged ~/.keras/keras.json may be the cause"
ERROR = f"seq2seq-demo: error: {GOT}; {CAUSES}\n"


def test_too_little_memory_is_an_error(tmp_path):
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_DATA, (300 * 2**20,) * 2); {MAIN}"
    command = [sys.executable, "-c", limited, *TRAINING[2:], "-o", tmp_path / "a.h5"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment(), timeout=100)
    error = "TensorFlow would need 0.4 GiB of memory or more; this process has 0.3 GiB"
    assert (done.returncode, done.stderr) == (1, f"seq2seq-demo: error: {error}\n")


@pytest.mark.parametrize(
    ("settings", "error"),
    [("[]", ERROR), ('{"backend": "torch", "floatx": "float16", "nnx_enabled": true}', "")],
)
def test_the_settings_of_keras(settings, error, tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(settings)
    command = [sys.executable, *TRAINING, "-o", tmp_path / "a.h5", "--log-dir", tmp_path / "logs"]
    options = {"cwd": tmp_path, "env": environment(HOME=str(tmp_path)), "timeout": 100}
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    assert (done.returncode, done.stderr if error else "") == (bool(error), error)
