"""Progress bars: only on terminals, only after a second, and erased at the end."""

import os
import pty
import re
import signal
import subprocess

import pytest
from helpers import PROGRAM, PYTHON, SMALL, environment, imported, save_random

from seq2seq_demo.config import ModelConfig

BEGIN_BAR, END_BAR = b"\x1b[?25l", b"\x1b[?25h"  # hide and show the cursor
AT_ONCE = "import sys; from seq2seq_demo import console; console.SHOW_AFTER = -1"
RUN = "from seq2seq_demo.commands import cli; sys.exit(cli.main(sys.argv[1:]))"


pytestmark = pytest.mark.slow


@pytest.fixture
def network(tmp_path):
    save_random(tmp_path / "w", ModelConfig("embedding_attention"))
    (tmp_path / "in").write_text("0 1 2 3 4 5 6 7 8 9\n" * 2000)
    return tmp_path


def on_terminal(folder, *argv, redirected=True, code=f"{AT_ONCE}\n{RUN}", until=None, **variables):
    """Run the program with standard error on a terminal, and standard output in a file if `redirected`.

    Send Ctrl-C when the terminal has received `until`. Return the status, the file's content and the terminal's output.
    """
    controller, terminal = pty.openpty()
    command, env = [*PYTHON, "-c", code, *map(str, argv)], environment(TERM="xterm", COLUMNS="100", **variables)
    with open(folder / "out", "wb") as out:
        streams = {"stdin": subprocess.DEVNULL, "stdout": out if redirected else terminal, "stderr": terminal}
        process = subprocess.Popen(command, cwd=folder, env=env, **streams)
    os.close(terminal)
    screen = b""
    while read := read_terminal(controller):
        screen += read
        if until and until in screen:
            process.send_signal(signal.SIGINT)
            until = None
    os.close(controller)
    return process.wait(100), (folder / "out").read_bytes(), screen


def read_terminal(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # the program has closed it
        return b""


def last_screen(screen):
    """Return the output after the last bar was erased."""
    return screen.rpartition(b"\x1b[2K")[2]


def test_predict_shows_a_coloured_bar_unless_no_color_or_quiet_forbids(network):
    argv, colour = ["predict", "-i", "w", "--from-file", "in", "--json"], re.compile(rb"\x1b\[[\d;]*[13]\d?m")
    piped = subprocess.run([*PROGRAM, *argv], cwd=network, capture_output=True, check=True, env=environment())
    assert piped.stderr == b"Using weights w\n"
    status, out, screen = on_terminal(network, *argv)
    assert (status, out, last_screen(screen)) == (0, piped.stdout, b"")
    assert b"Predicting" in screen and b"2,000 sequences" in screen
    assert BEGIN_BAR in screen and colour.search(screen)
    _, _, screen = on_terminal(network, *argv, NO_COLOR="1")
    assert (BEGIN_BAR in screen, colour.search(screen)) == (True, None)
    assert on_terminal(network, *argv, "-q")[2] == b""


def test_predict_shows_no_bar_for_standard_input_or_visible_answers(network):
    """The length of standard input is unknown; on a terminal, the answers themselves show the progress."""
    _, _, screen = on_terminal(network, "predict", "-i", "w", "--from-file", "/dev/stdin")
    assert BEGIN_BAR not in screen
    _, _, screen = on_terminal(network, "predict", "-i", "w", "--from-file", "in", redirected=False)
    assert BEGIN_BAR not in screen
    assert screen.count(b"==> For input") == 2000


def test_evaluate_shows_a_bar(network):
    status, _, screen = on_terminal(network, "evaluate", "-i", "w", "300")
    assert status == 0
    assert b"Evaluating" in screen
    assert screen.count(BEGIN_BAR) == screen.count(END_BAR) > 0


def test_train_shows_a_bar_and_colour_only_if_both_streams_are_terminals(network):
    argv = ["train", 60, "-e", 1, *SMALL, "-o", "v"]
    _, out, screen = on_terminal(network, *argv)
    assert b"Epoch 1/1: loss" in out
    assert b"\x1b[" not in out + screen
    _, _, screen = on_terminal(network, *argv, "--force", redirected=False)
    assert BEGIN_BAR in screen and b"Epoch 1/1" in screen


def test_short_work_shows_no_bar_and_does_not_import_rich(network):
    (network / "few").write_text("0 1 2 3 4 5 6 7 8 9\n")
    argv = ["predict", "-i", "w", "--from-file", "few"]
    _, _, screen = on_terminal(network, *argv, code=f"import sys\n{RUN}")
    assert screen == b"Using weights w\r\n"
    assert imported([f"predict -i {network}/w --from-file {network}/in"], "rich") == []


def test_ctrl_c_erases_the_bar(network):
    (network / "in").write_text("0 1 2 3 4 5 6 7 8 9\n" * 100_000)
    status, _, screen = on_terminal(network, "predict", "-i", "w", "--from-file", "in", until=b"Predicting")
    assert status == 130
    assert last_screen(screen) == b"seq2seq-demo: interrupted\r\n"
    assert screen.count(BEGIN_BAR) == screen.count(END_BAR)
