"""Windows, simulated in a process of its own; installations without TensorFlow; the dependencies on each system."""

import itertools
import subprocess
import sys
import tomllib

import pytest
from helpers import REAL_PROGRAM, ROOT, environment
from packaging.requirements import Requirement

from seq2seq_demo.errors import TrainingError, require_tensorflow

# Run in a child process, this hides what Windows lacks. It also adds the restrictions of Windows: an open file can
# neither be renamed, replaced nor removed, `rename` replaces no file, a directory cannot be opened, `select` takes only
# sockets, and strings that are printed or in a file are in the code page 1252 unless the program sets another.
WINDOWS = """
import io, os, select, signal, sys, tempfile, warnings
import h5py, multiprocessing.connection, numpy, rich.progress, subprocess

sys.modules |= dict.fromkeys(["fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "termios", "tty"])
for module, names in [
    (os, "O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK chown fchmod fork geteuid getuid killpg mkfifo register_at_fork "
         "sched_getaffinity set_blocking setsid sysconf uname"),
    (signal, "SIGALRM SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 pthread_sigmask"),
]:
    for name in names.split():
        delattr(module, name)

def refused(*_):
    raise OSError(10038, "An operation was attempted on something that is not a socket")

def for_closed_files(function, replaces=True):
    def checked(*paths, **options):
        names = {os.path.realpath(path) for path in paths}
        for descriptor in os.listdir("/proc/self/fd"):
            link = f"/proc/self/fd/{descriptor}"
            if os.path.lexists(link) and os.readlink(link) in names:
                raise PermissionError(13, "The process cannot access the file", paths[0])
        if not replaces and os.path.lexists(paths[1]):
            raise FileExistsError(17, "Cannot create a file when that file already exists", paths[1])
        return function(*paths, **options)
    return checked

def open_file(path, *arguments, open=os.open, **options):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return open(path, *arguments, **options)

select.select, os.open = refused, open_file
os.replace, os.remove = map(for_closed_files, (os.replace, os.remove))
os.unlink, os.rename = os.remove, for_closed_files(os.rename, replaces=False)
tempfile.TemporaryFile = tempfile.NamedTemporaryFile
warnings.filterwarnings("error", category=EncodingWarning, module="seq2seq_demo")
"""
RUN = """
from helpers import run_fast_steps, save_texts
from seq2seq_demo.commands import cli
def run(line, status=0):
    assert cli.main(line.split()) == status, line
"""


def run_child(folder, code, **changes):
    """Run Python code in a child process with the code page 1252; return its stdout and stderr."""
    variables = environment(PYTHONIOENCODING="cp1252", PYTHONWARNDEFAULTENCODING="1", **changes)
    variables["PYTHONPATH"] += f":{ROOT / 'tests'}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=folder, env=variables, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("cp1252"), done.stderr.decode("cp1252")


TRAINING = """
from seq2seq_demo.training.report import TrainingReport
from seq2seq_demo.training import snapshots
from seq2seq_demo.training.steps import Steps
def interrupt(*arguments, on_epoch_end=TrainingReport.on_epoch_end):
    TrainingReport.on_epoch_end = on_epoch_end
    signal.raise_signal(signal.SIGINT)
TrainingReport.on_epoch_end, snapshots.SNAPSHOT_INTERVAL, Steps._run = interrupt, 1, run_fast_steps
run("train 60 -e 2 -o w.h5 --history h.json --cell-size 3 --in-len 3 -p reversed", 130)
run("train --resume --history h.json")
run("predict -i w.h5 1 2 3")
run("evaluate 50 -i w.h5")
run("page -i w.h5 -o w.html")
save_texts("greek.h5", ("characters", ("α", "β")), ("characters", ("α", "β")))
run("predict -i greek.h5 αβ")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the open files of a process in /proc")
@pytest.mark.slow
def test_training_and_resuming_work_on_windows(tmp_path):
    before = "import seq2seq_demo.network.keras_network.tensorflow_setup\n"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "run").mkdir()
    out, err = run_child(tmp_path / "run", before + WINDOWS + RUN + TRAINING, TMPDIR=str(temporary))
    assert "Saved w.h5: " in out
    assert "Resuming s2s_checkpoint__w.h5" in err
    assert "==> For input \\u03b1\\u03b2, prediction=" in out
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"w.h5", "h.json", "w.html", "greek.h5"}


def test_training_without_tensorflow_is_an_error_that_says_where_it_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(TrainingError) as error:
        require_tensorflow()
    where = "(Python 3.11 to 3.13 on Linux, Windows (x86-64) or macOS (Apple silicon))"
    what = "Training needs TensorFlow and Keras, which are not installed: `pip install tensorflow`"
    assert str(error.value) == f"{what} {where}"


@pytest.mark.slow
def test_an_error_while_keras_loads_is_one_line(tmp_path):
    (tmp_path / "keras.py").write_text("[].get('floatx')")
    argv, changes = [*REAL_PROGRAM, "train", "60", "-o", "w.h5"], {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, env=environment(**changes), check=False)
    expected = "cannot load TensorFlow and Keras: AttributeError: 'list' object has no attribute 'get'\n"
    assert done.returncode == 1
    assert done.stderr.endswith(f"seq2seq-demo: error: {expected}")


def dependencies(folder):
    text = (ROOT / folder / "pyproject.toml").read_text()
    return [Requirement(line) for line in tomllib.loads(text)["project"]["dependencies"]]


WITH_WHEELS = {"linux x86_64", "linux aarch64", "darwin arm64", "win32 AMD64"}
WITHOUT_WHEELS = {"linux armv7l", "darwin x86_64", "win32 ARM64"}


def test_tensorflow_is_required_where_it_has_wheels():
    for python, system in itertools.product(("3.11", "3.13", "3.14"), WITH_WHEELS | WITHOUT_WHEELS):
        platform, machine = system.split()
        variables = {"python_version": python, "sys_platform": platform, "platform_machine": machine}
        required = [each for each in dependencies(".") if each.marker is None or each.marker.evaluate(variables)]
        expected = [*map(str, dependencies("scripts/light"))]
        if system in WITH_WHEELS and python != "3.14":
            expected += ["tensorflow>=2.20", "keras>=3.12"]
        assert sorted(f"{each.name}{each.specifier}" for each in required) == sorted(expected)
