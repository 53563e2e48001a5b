"""Progress bars: only on terminals, only after a second, and erased at the end."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ATTENTION, SMALL, environment, save_random

from seq2seq_demo import console

pytestmark = pytest.mark.slow
BEGIN_BAR, END_BAR = "\x1b[?25l", "\x1b[?25h"  # hide and show the cursor
COLOUR = re.compile(r"\x1b\[[\d;]*[13]\d?m")
PREDICT = "predict -i w --from-file in"
SHOW_AFTER = console.SHOW_AFTER
AT_ONCE = "from seq2seq_demo import __main__, console; console.SHOW_AFTER = -1; raise SystemExit(__main__.main())"


@pytest.fixture
def terminal(run, monkeypatch):
    """A function that makes a standard stream a terminal. There is a network w, and bars appear at once."""
    save_random("w", ATTENTION)
    Path("in").write_text("0 1 2 3 4 5 6 7 8 9\n" * 1200)
    monkeypatch.setattr(console, "SHOW_AFTER", -1)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return lambda stream: monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)


def last_screen(screen):
    """Return the output after the last bar was erased."""
    return screen.rpartition("\x1b[2K")[2]


def test_predict_and_evaluate_show_a_coloured_bar_unless_no_color_or_quiet_forbids(run, terminal, monkeypatch):
    piped, err = run.ok(f"{PREDICT} --json")
    assert err == "Using weights w\n"
    terminal("stderr")
    out, screen = run.ok(f"{PREDICT} --json")
    assert (out, last_screen(screen)) == (piped, "")
    assert "Predicting" in screen and "1,200 sequences" in screen
    assert BEGIN_BAR in screen and COLOUR.search(screen)
    assert "Evaluating" in run.ok("evaluate -i w 300")[1]
    assert run.ok(f"{PREDICT} -q")[1] == ""
    monkeypatch.setenv("NO_COLOR", "1")
    _, screen = run.ok(PREDICT)
    assert (BEGIN_BAR in screen, COLOUR.search(screen)) == (True, None)


def test_predict_shows_no_bar_for_streams_visible_answers_or_short_work(run, terminal, monkeypatch):
    """The length of a stream is unknown; on a terminal, the answers themselves show the progress."""
    Path("in").write_text("0 1 2 3 4 5 6 7 8 9\n")
    terminal("stderr")
    assert run.ok(f"{PREDICT} --line-buffered")[1] == "Using weights w\n"
    with monkeypatch.context() as patch:
        patch.setattr(console, "SHOW_AFTER", SHOW_AFTER)
        assert run.ok(f"{PREDICT} --json")[1] == "Using weights w\n"
    terminal("stdout")
    assert run.ok(PREDICT)[1] == "Using weights w\n"


def test_train_shows_a_bar_and_colour_only_if_both_streams_are_terminals(run, terminal, fast_steps):
    train = ["train 60 -e 1 --force -o v", *SMALL]
    terminal("stderr")
    out, screen = run.ok(*train)
    assert "Epoch 1/1: loss" in out
    assert "\x1b[" not in out + screen
    terminal("stdout")
    out, screen = run.ok(*train)
    assert BEGIN_BAR in out + screen and "Epoch 1/1" in screen


def test_ctrl_c_erases_the_bar_of_a_real_terminal(terminal):
    Path("in").write_text("0 1 2 3 4 5 6 7 8 9\n" * 100_000)
    controller, end = pty.openpty()
    env = environment(TERM="xterm", COLUMNS="100")
    with open("out", "wb") as out:
        process = subprocess.Popen([sys.executable, "-c", AT_ONCE, *PREDICT.split()], stdout=out, stderr=end, env=env)
    os.close(end)
    screen = b""
    with contextlib.suppress(OSError):  # when the program has closed the terminal
        while b"Predicting" not in screen:
            screen += os.read(controller, 4096)
        process.send_signal(signal.SIGINT)
        while True:
            screen += os.read(controller, 4096)
    os.close(controller)
    assert (process.wait(), last_screen(screen.decode())) == (130, "seq2seq-demo: interrupted\r\n")
    assert screen.count(BEGIN_BAR.encode()) == screen.count(END_BAR.encode()) > 0
