"""Record commands in a terminal, and write what it showed as an animated SVG that plays in an <img>, without a script.

    .venv/bin/pip install pyte  # emulates the terminal; nothing else needs it
    .venv/bin/python scripts/record_terminal.py [-o .github/terminal.svg]

The commands really run, in an empty folder. Only the typing is made up, and waits are shortened to LONGEST_WAIT.
"""

import argparse
import contextlib
import fcntl
import itertools
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

COMMANDS = [
    "seq2seq-demo predict 3 1 2",
    "seq2seq-demo train 100000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 2 -o weights.h5",
    "seq2seq-demo predict -i weights.h5 3 1 4 1 5 9 2 6 5 3 --show-attention",
]
COLUMNS, ROWS = 112, 30
TICK, KEY, PAUSE, LONGEST_WAIT, STILL = 0.2, 0.06, 1.6, 1.0, 6.0  # seconds; a key is three letters
CAPTION = f"Recorded from a real run. Waits of more than {LONGEST_WAIT:g} s are shortened."

WIDTH, HEIGHT, MARGIN, BAR = 8, 17, 16, 30  # of a character, around the text, of the window's bar: in px
DEFAULT, BACKGROUND, EDGE, FAINT = "#e6edf3", "#0d1117", "#30363d", "#8b949e"
COLOURS = {  # by pyte's names; others are six hexadecimal digits
    "black": "#484f58",
    "red": "#ff7b72",
    "green": "#3fb950",
    "brown": "#d29922",
    "blue": "#58a6ff",
    "magenta": "#bc8cff",
    "cyan": "#39c5cf",
    "white": "#b1bac4",
}


class Run(NamedTuple):
    """Characters of one style, side by side."""

    column: int
    text: str
    colour: str = DEFAULT
    background: str = ""  # the terminal's


Line = tuple[Run, ...]


class Frame(NamedTuple):
    """What the terminal shows from a moment on."""

    seconds: float
    lines: tuple[Line, ...]


class Recorder:
    """A terminal whose screen is kept whenever it changes."""

    def __init__(self) -> None:
        """Start with an empty screen at second 0."""
        import pyte

        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.frames: list[Frame] = []
        self.now = 0.0

    def keep(self, seconds: float, with_cursor: bool = False) -> bool:
        """Keep the screen if it has changed, let the time pass, and return whether it had."""
        lines = [line_of([row[x] for x in range(COLUMNS)]) for row in map(self.screen.buffer.__getitem__, range(ROWS))]
        if with_cursor:
            lines[self.screen.cursor.y] += (Run(self.screen.cursor.x, " ", background=FAINT),)
        changed = not self.frames or tuple(lines) != self.frames[-1].lines
        if changed:
            self.frames.append(Frame(self.now, tuple(lines)))
        self.now += seconds
        return changed

    def type(self, command: str) -> None:
        """Show a prompt, then the command as if it were typed."""
        self.stream.feed(b"\x1b[32m$\x1b[0m ")
        self.keep(PAUSE / 2, with_cursor=True)
        for start in range(0, len(command), 3):
            self.stream.feed(command[start : start + 3].encode())
            self.keep(KEY, with_cursor=True)
        self.keep(PAUSE / 4)
        self.stream.feed(b"\r\n")

    def run(self, command: str, folder: str) -> None:
        """Run a command and keep what it shows.

        Raises:
            CalledProcessError: it failed.
        """
        terminal, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = os.environ | {"TERM": "xterm-256color", "PATH": path}
        with subprocess.Popen(
            command, shell=True, stdin=end, stdout=end, stderr=end, cwd=folder, env=environment, start_new_session=True
        ) as process:
            os.close(end)
            waited = 0.0
            while (output := read_for(terminal, TICK)) is not None:
                self.stream.feed(output)
                waited = 0.0 if self.keep(0) else waited + TICK
                self.now += TICK if waited < LONGEST_WAIT else 0
        os.close(terminal)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)


def read_for(terminal: int, seconds: float) -> bytes | None:
    """Return what a terminal is sent within some seconds, None once nobody holds its other end."""
    output, until = b"", time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            try:
                output += os.read(terminal, 65536)
            except OSError:  # Linux's way to say that it is over
                return output or None
    return output


def line_of(cells: Sequence[Any]) -> Line:
    """Return pyte's cells of a row as runs; spaces on the terminal's own background are left out at their ends."""
    runs, column = [], 0
    for (colour, background), group in itertools.groupby(cells, style):
        text = "".join(cell.data for cell in group)
        kept = text if background else text.strip()
        if kept:
            runs.append(Run(column + text.index(kept), kept, colour, background))
        column += len(text)
    return tuple(runs)


def style(cell: Any) -> tuple[str, str]:
    """Return a cell's colour and background, "" for the terminal's own."""
    colour = DEFAULT if cell.fg == "default" else css_colour(cell.fg)
    background = "" if cell.bg == "default" else css_colour(cell.bg)
    return (background or BACKGROUND, colour) if cell.reverse else (colour, background)


def css_colour(name: str) -> str:
    """Return a colour of pyte's for CSS."""
    return COLOURS.get(name.removeprefix("bright"), f"#{name}")


def record(commands: Sequence[str]) -> tuple[list[Frame], float]:
    """Type and run commands; return what the terminal showed, and how many seconds it takes."""
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as folder:
        for command in commands:
            recorder.type(command)
            recorder.run(command, folder)
            recorder.keep(PAUSE)
    recorder.keep(STILL)
    return recorder.frames, recorder.now


def spans_of(frames: Sequence[Frame], seconds: float) -> dict[tuple[float, float], list[tuple[int, Line]]]:
    """Return the lines that appear and vanish together, with their rows, by these two moments."""
    spans = defaultdict(list)
    moments = [frame.seconds for frame in frames] + [seconds]
    for row, versions in enumerate(zip(*(frame.lines for frame in frames), strict=True)):
        for line, same in itertools.groupby(range(len(frames)), versions.__getitem__):
            shown = [*same]
            if line:
                spans[moments[shown[0]], moments[shown[-1] + 1]].append((row, line))
    return spans


def svg(frames: Sequence[Frame], seconds: float, caption: str = CAPTION) -> str:
    """Return the frames as an SVG that repeats them, each line shown from its first moment to its last.

    Where motion is not wanted, or CSS does not animate, the last frame is shown.
    """
    rules, groups = [], []
    for n, ((start, end), lines) in enumerate(sorted(spans_of(frames, seconds).items())):
        at = [f"{100 * moment / seconds:.2f}%" for moment in (start, end)]
        before = "0%{visibility:hidden}" if start else ""
        after = f"{at[1]}{{visibility:hidden}}" if end < seconds else ""
        rules.append(f"@keyframes k{n}{{{before}{at[0]}{{visibility:visible}}{after}}}")
        hidden = ' visibility="hidden"' if end < seconds else ""
        groups.append(f'<g{hidden} style="animation-name:k{n}">{"".join(drawn(*line) for line in lines)}</g>')
    width = COLUMNS * WIDTH + 2 * MARGIN
    bottom = BAR + len(frames[0].lines) * HEIGHT + MARGIN
    dots = "".join(f'<circle cx="{MARGIN + 4 + 18 * k}" cy="{BAR / 2:g}" r="5" fill="{EDGE}"/>' for k in range(3))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 24}" width="{width}" height="{bottom + 24}" \
xml:space="preserve" role="img" font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="13.3">
<title>{escape(caption)}</title>
<style>
g{{animation:{seconds:.1f}s step-end infinite}}
g rect{{shape-rendering:crispEdges}}
@media (prefers-reduced-motion:reduce){{g{{animation:none}}}}
{chr(10).join(rules)}
</style>
<rect x=".5" y=".5" width="{width - 1}" height="{bottom + 23}" rx="8" fill="{BACKGROUND}" stroke="{EDGE}"/>
{dots}
{chr(10).join(groups)}
<text x="{MARGIN}" y="{bottom + 10}" font-size="12" fill="{FAINT}">{escape(caption)}</text>
</svg>
"""


def drawn(row: int, line: Line) -> str:
    """Return a line as SVG; each run is made as wide as its characters in a terminal, whatever the font."""
    top = BAR + row * HEIGHT
    shapes = []
    for run in line:
        x, width = MARGIN + run.column * WIDTH, len(run.text) * WIDTH
        if run.background:
            shapes.append(f'<rect x="{x}" y="{top}" width="{width}" height="{HEIGHT}" fill="{run.background}"/>')
        if not run.text.isspace():
            shapes.append(
                f'<text x="{x}" y="{top + 13}" textLength="{width}" lengthAdjust="spacingAndGlyphs" '
                f'fill="{run.colour}">{escape(run.text)}</text>'
            )
    return "".join(shapes)


def main() -> None:
    """Record the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[1] / ".github" / "terminal.svg")
    output = parser.parse_args().output
    frames, seconds = record(COMMANDS)
    output.write_text(svg(frames, seconds))
    print(f"{output}: {seconds:.0f} s, {len(frames)} frames, {output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
