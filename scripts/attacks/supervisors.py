"""Kill training runs that a shell loop restarts with --resume until one succeeds."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from attacks.running import LIMIT, PROGRAM, ROOT, TRAIN, Case, run, run_cases

ARGV = [*TRAIN, "-e", "2", "-o", "w"]
SIGNALS = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT]


def supervisors() -> tuple[int, list[str]]:
    """Check that each loop ends with the same bits as an undisturbed training run, and does not train again."""
    folder = Path(tempfile.mkdtemp())
    assert run(folder, *ARGV).wait() == 0
    undisturbed = (folder / "w").read_bytes()
    cases: list[Case] = [(f"kills {number}", lambda n=number: _kills(n, undisturbed)) for number in range(7)]
    cases.append(("another file", lambda: _another_file(undisturbed)))
    return run_cases(cases)


def _kills(number: int, undisturbed: bytes) -> None:
    rng, folder = random.Random(number), Path(tempfile.mkdtemp())
    kills = [(rng.choice(SIGNALS), rng.uniform(0.2, 7)) for _ in range(rng.randrange(1, 4))]
    _loop(folder, undisturbed, kills=kills)
    left = [path.name for path in folder.iterdir() if path.name != "w" and not path.name.startswith(".")]
    assert not left, left
    _require_finished(folder, undisturbed)
    shutil.rmtree(folder)


def _another_file(undisturbed: bytes) -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "w").write_bytes(undisturbed)
    process = run(folder, *ARGV, "--seed", "5", "--resume")
    _, err = process.communicate(timeout=LIMIT)
    assert process.returncode in (1, 2), err[-300:]
    assert (folder / "w").read_bytes() == undisturbed


def _require_finished(folder: Path, undisturbed: bytes) -> None:
    """Check that the loop ends at once if the training run has been saved already."""
    before = (folder / "w").stat().st_mtime_ns
    _loop(folder, undisturbed)
    assert (folder / "w").stat().st_mtime_ns == before, "the loop trained again"


def _loop(folder: Path, undisturbed: bytes, kills: Sequence[tuple[int, float]] = ()) -> None:
    """Run the loop until it ends; `kills` are pairs of a signal for its children and the seconds to wait before it."""
    command = [*PROGRAM, *ARGV, "--resume"]
    loop = ["sh", "-c", 'until "$@"; do echo again; sleep 0.1; done', "sh", *command]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    shell = subprocess.Popen(loop, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)

    def children() -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text().split()]

    def kill(pids: list[int], signum: int) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)

    try:
        for signum, seconds in kills:
            time.sleep(seconds)
            if shell.poll() is None:
                kill(children(), signum)
        out, err = shell.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        pids = children()
        shell.kill()  # otherwise it would start another training run
        kill(pids, signal.SIGKILL)
        raise AssertionError("the loop did not end") from None
    assert shell.returncode == 0, err[-500:]
    assert "Traceback" not in err, err[-500:]
    assert out.count("again") <= len(kills), f"{out.count('again')} failures after {len(kills)} kills: {err[-500:]}"
    assert (folder / "w").read_bytes() == undisturbed, "the weights differ"
