"""The installation of a clone by scripts/environment, with a Python that only pretends to install."""

import os
import shutil
import signal
import subprocess

import pytest
from helpers import ROOT, wait_for

NO_VENV = "python3 has no module venv; on Debian and Ubuntu, `sudo apt install python3.12-venv` installs it"
ANNOUNCED = "Installing in .venv: downloads up to 700 MB, once\n"
# A Python of a version; FAILS makes one of its modules fail or wait.
PYTHON = """#!/bin/sh
case "$*" in
*"Python %d.%d in"*) echo "Python VERSION in $(cd "$(dirname "$0")/.." && pwd)" ;;
*version_info*) echo VERSION ;;
*"import ensurepip"*) [ "$FAILS" != venv ] ;;
*"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*"pip install"*)
    if [ "$FAILS" = network ]; then
        echo "WARNING: Retrying after connection broken by 'NewConnectionError'"
        echo "ERROR: No matching distribution found"
        exit 1
    fi
    if [ "$FAILS" = wait ]; then : > waiting; while :; do :; done; fi
    for last; do :; done
    echo "$last" >> installations
    printf '#!/bin/sh\\necho "$@"\\n' > .venv/bin/seq2seq-demo && chmod +x .venv/bin/seq2seq-demo ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """A folder with a blank and an umlaut, which contains what the installation reads."""
    folder = tmp_path / "a clöne"
    (folder / "scripts").mkdir(parents=True)
    for name in ("pyproject.toml", "scripts/environment", "scripts/demo"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "bin").mkdir()
    for tool in ("sh", "basename", "cat", "chmod", "cksum", "cp", "dirname", "grep", "mkdir", "rm", "tail"):
        (folder / "bin" / tool).symlink_to(shutil.which(tool))
    return folder


def put_python(clone, version="3.12", name="python3"):
    (clone / "bin" / name).write_text(PYTHON.replace("VERSION", version))
    (clone / "bin" / name).chmod(0o755)


def start(clone, fails="", command="prepare ."):
    env = {"PATH": str(clone / "bin"), "FAILS": fails}
    argv = ["sh", "-c", f"set -eu; . scripts/environment; {command}", "scripts/demo"]
    return subprocess.Popen(argv, cwd=clone, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True)


def prepare(clone, requirement=".", fails=""):
    """Install; return the exit status and stderr."""
    process = start(clone, fails, f"prepare {requirement}")
    _, err = process.communicate()
    return process.returncode, err


def installations(clone):
    return (clone / "installations").read_text().split()


def test_an_installation_happens_once_and_that_of_the_tests_serves_the_demo(clone):
    put_python(clone)
    assert prepare(clone) == (0, ANNOUNCED)
    assert prepare(clone) == (0, "")
    assert prepare(clone, ".[test]") == (0, ANNOUNCED)
    assert prepare(clone) == prepare(clone, ".[test]") == (0, "")
    assert installations(clone) == [".", ".[test]"]
    with open(clone / "pyproject.toml", "a") as file:
        file.write("# another dependency\n")
    assert prepare(clone) == (0, ANNOUNCED)


def test_a_stale_environment_is_made_anew(clone):
    put_python(clone)
    prepare(clone)
    anew = "Making .venv anew, because its Python or its folder has changed\n"
    (clone / ".venv" / "own").touch()
    moved = clone.rename(clone.parent / "moved")
    assert prepare(moved) == (0, anew + ANNOUNCED)
    assert not (moved / ".venv" / "own").exists()
    (moved / ".venv" / "bin" / "python").unlink()  # as after an upgrade
    assert prepare(moved) == (0, anew + ANNOUNCED)
    (moved / ".venv" / "installed").unlink()  # half installed
    assert prepare(moved) == (0, ANNOUNCED)


@pytest.mark.parametrize(
    ("version", "fails", "message"),
    [
        (None, "", "TensorFlow needs Python 3.11, 3.12 or 3.13; found no Python"),
        ("3.9", "", "TensorFlow needs Python 3.11, 3.12 or 3.13; found 3.9 (python3)"),
        ("3.12", "venv", NO_VENV),
        ("3.12", "network", "no connection to the Python package index: connect to the internet, then run this again"),
    ],
)
def test_what_is_missing_is_named_in_one_line_and_nothing_stays(clone, version, fails, message):
    if version:
        put_python(clone, version)
    status, err = prepare(clone, fails=fails)
    assert (status, err.removeprefix(ANNOUNCED)) == (1, f"scripts/demo: {message}\n")
    assert not (clone / ".venv").exists()


def test_after_ctrl_c_nothing_stays_and_the_next_run_installs(clone):
    put_python(clone)
    process = start(clone, "wait")
    wait_for((clone / "waiting").exists)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode in (130, -signal.SIGINT) and not (clone / ".venv").exists()
    assert prepare(clone) == (0, ANNOUNCED)


def test_the_demo_works_in_its_folder_and_resumes_what_was_interrupted(clone):
    put_python(clone)
    run = ["sh", "scripts/demo"]
    env = {"PATH": str(clone / "bin")}
    first = subprocess.run(run, cwd=clone, env=env, capture_output=True, text=True, check=True).stdout
    (clone / "demo" / "s2s_checkpoint__weights.h5").touch()
    second = subprocess.run(run, cwd=clone, env=env, capture_output=True, text=True, check=True).stdout
    commands = [line.removeprefix("$ seq2seq-demo ") for line in first.splitlines() if line.startswith("$")]
    assert [command.split()[0] for command in commands] == ["train", "predict", "evaluate", "page"]
    assert second.replace(" --resume", "") == first != second
