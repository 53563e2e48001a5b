import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import seq2seq_demo
from seq2seq_demo import cli
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.parameters import initial_weights

REFERENCE_2016 = Path(__file__).parents[2] / "shared" / "reference_2016"


@pytest.fixture(scope="session", autouse=True)
def temporary(tmp_path_factory):
    """The temporary directory of these processes: trainings leave their logs there."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture
def reference_2016() -> Path:
    if not REFERENCE_2016.is_dir():
        pytest.skip(f"the 2016 reference data are not at {REFERENCE_2016}")
    return REFERENCE_2016


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """The command line in this process, in an empty directory: returns exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*argv):
        status = cli.main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
def shell(tmp_path):
    """The command line in a process of its own, in an empty directory."""

    def shell(*argv, stdin=None, cwd=tmp_path, **environment):
        return subprocess.run(
            [sys.executable, "-m", "seq2seq_demo", *map(str, argv)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": str(Path(seq2seq_demo.__file__).parents[1])} | environment,
            check=False,
        )

    return shell


def random_weights(config: ModelConfig, seed: int = 5) -> dict[str, np.ndarray]:
    """Initial weights moved about, so that no bias is 0 and an exchanged gate shows."""
    rng = np.random.default_rng(seed)
    weights = initial_weights(config, seed)
    return {name: (w + rng.normal(0, 0.2, w.shape)).astype(np.float32) for name, w in weights.items()}
