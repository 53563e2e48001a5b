import contextlib
import io
import os
import signal
import sys
import tempfile
from pathlib import Path

import fork_server
import pytest
from helpers import REFERENCE_2016, environment, run_fast_steps

from seq2seq_demo.commands import cli

SERVER = contextlib.ExitStack()
# Parts of the names of the slowest tests, slowest first.
LONGEST = ["examples_run", "one_answers", "the_exercises_have", "xla_changes", "on_windows"]
KERAS = '{"backend": "torch", "floatx": "float16", "nnx_enabled": true}'  # settings of a user, in the fork server


def pytest_addoption(parser):
    text = "also run the examples of documents that train for long, as before a release"
    parser.addoption("--slow-examples", action="store_true", help=text)


def pytest_configure(config):
    """Start one fork server for all pytest workers, and let all processes share the programs that XLA compiles."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets background processes ignore it
    if hasattr(config, "workerinput"):
        return
    folder = SERVER.enter_context(tempfile.TemporaryDirectory())
    os.environ["TF_XLA_FLAGS"] = f"--tf_xla_persistent_cache_directory={folder}/programs"
    if sys.platform == "linux":
        Path(folder, ".keras").mkdir()
        Path(folder, ".keras", "keras.json").write_text(KERAS)
        os.environ["FORK_SERVER"] = SERVER.enter_context(fork_server.running(folder, environment(HOME=folder)))


def pytest_unconfigure(config):
    SERVER.close()


def pytest_xdist_auto_num_workers(config):
    """Start a third worker only if there are slow tests, some of which wait; each worker loads TensorFlow."""
    return 2 if config.option.markexpr == "not slow" else 3


def pytest_collection_modifyitems(items):
    """Run the slowest tests first, then files with slow tests, so that all workers stay busy until the end.

    The tests of a file stay together, so that one worker trains the networks that they share.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def rank(item):
        position = next((k for k, part in enumerate(LONGEST) if part in item.name), len(LONGEST))
        return position, item.path not in slow

    items.sort(key=rank)


@pytest.fixture(scope="session", autouse=True)
def temporary(tmp_path_factory):
    """Replace the temporary directory, so that the logs of training runs stay in it."""
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
def fast_steps(monkeypatch):
    """Replace the steps of training runs by additions to the weights, for tests that need not learn anything.

    TensorFlow takes a second of CPU time to build the graph of the real steps.
    """
    from seq2seq_demo.training.steps import Steps

    monkeypatch.setattr(Steps, "_run", run_fast_steps)


class Program:
    """Runs the command line in this process. The first argument is split at spaces; each other argument is one word."""

    def __init__(self, capsys, monkeypatch):
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, line="", *words):
        """Return the exit status, stdout and stderr."""
        status = cli.main([*str(line).split(), *map(str, words)])
        return status, *self.capsys.readouterr()

    def reads(self, text):
        """Let the next run read this text from standard input."""
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    def ok(self, *words):
        """Require success; return stdout and stderr."""
        status, out, err = self(*words)
        assert status == 0, err
        return out, err

    def refuses(self, line, message, status=2):
        """Run a line or a list of words that must fail with an error as the last line of stderr; return stderr."""
        exit_status, out, err = self(*([line] if isinstance(line, str) else line))
        assert (exit_status, out) == (status, ""), (line, err)
        assert err.splitlines()[-1].startswith("seq2seq-demo: error: "), err
        assert message in err, (line, err)
        return err


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """A Program in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    return Program(capsys, monkeypatch)
