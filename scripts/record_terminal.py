"""Record commands in a terminal as an animated SVG, which plays in an <img> without a script.

    .venv/bin/pip install pyte  # emulates the terminal; nothing else needs it
    .venv/bin/python scripts/record_terminal.py [-o .github/terminal.svg]

The commands really run, in an empty folder. Only the typing is simulated, and waits are shortened to LONGEST_WAIT.
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
TICK, KEY, PAUSE, LONGEST_WAIT, FINAL_PAUSE = 0.2, 0.06, 1.6, 1.0, 6.0  # seconds; KEY is the time to type three letters
CAPTION = f"Recorded from a real run. Waits of more than {LONGEST_WAIT:g} s are shortened."

WIDTH, HEIGHT, MARGIN, BAR = 8, 17, 16, 30  # px: a character, the margin around the text, the title bar
DEFAULT, BACKGROUND, EDGE, FAINT = "#e6edf3", "#0d1117", "#30363d", "#8b949e"
COLOURS = {  # by pyte's names; pyte gives other colours as six hexadecimal digits
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
    """Consecutive characters of one style."""

    column: int
    text: str
    colour: str = DEFAULT
    background: str = ""  # by default the terminal's background


Line = tuple[Run, ...]


class Frame(NamedTuple):
    """The terminal's screen, shown from `seconds` until the next frame."""

    seconds: float
    lines: tuple[Line, ...]


class Recorder:
    """An emulated terminal that stores a frame whenever its screen changes."""

    def __init__(self) -> None:
        import pyte

        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.frames: list[Frame] = []
        self.now = 0.0

    def capture(self, seconds: float, with_cursor: bool = False) -> bool:
        """Store the screen if it has changed, advance the clock, and return whether it had changed."""
        lines = [to_runs([row[x] for x in range(COLUMNS)]) for row in map(self.screen.buffer.__getitem__, range(ROWS))]
        if with_cursor:
            lines[self.screen.cursor.y] += (Run(self.screen.cursor.x, " ", background=FAINT),)
        changed = not self.frames or tuple(lines) != self.frames[-1].lines
        if changed:
            self.frames.append(Frame(self.now, tuple(lines)))
        self.now += seconds
        return changed

    def type(self, command: str) -> None:
        """Show a prompt, then the command as if someone typed it."""
        self.stream.feed(b"\x1b[32m$\x1b[0m ")
        self.capture(PAUSE / 2, with_cursor=True)
        for start in range(0, len(command), 3):
            self.stream.feed(command[start : start + 3].encode())
            self.capture(KEY, with_cursor=True)
        self.capture(PAUSE / 4)
        self.stream.feed(b"\r\n")

    def run(self, command: str, folder: str) -> None:
        """Run a command and capture its output.

        Raises:
            CalledProcessError: the command failed.
        """
        terminal, tty = pty.openpty()
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = os.environ | {"TERM": "xterm-256color", "PATH": path}
        with subprocess.Popen(
            command, shell=True, stdin=tty, stdout=tty, stderr=tty, cwd=folder, env=environment, start_new_session=True
        ) as process:
            os.close(tty)
            waited = 0.0
            while (output := read_for(terminal, TICK)) is not None:
                self.stream.feed(output)
                waited = 0.0 if self.capture(0) else waited + TICK
                self.now += TICK if waited < LONGEST_WAIT else 0
        os.close(terminal)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)


def read_for(terminal: int, seconds: float) -> bytes | None:
    """Read a terminal's output for some seconds; return None once the other end is closed."""
    output, until = b"", time.monotonic() + seconds
    while (remaining := until - time.monotonic()) > 0:
        if select.select([terminal], [], [], remaining)[0]:
            try:
                output += os.read(terminal, 65536)
            except OSError:  # Linux reports a closed end in this way
                return output or None
    return output


def to_runs(cells: Sequence[Any]) -> Line:
    """Group a row of pyte's cells into runs of one style; trim spaces that have the default background."""
    runs, column = [], 0
    for (colour, background), group in itertools.groupby(cells, style):
        text = "".join(cell.data for cell in group)
        trimmed = text if background else text.strip()
        if trimmed:
            runs.append(Run(column + text.index(trimmed), trimmed, colour, background))
        column += len(text)
    return tuple(runs)


def style(cell: Any) -> tuple[str, str]:
    """Return a cell's colour and background; "" is the default background."""
    colour = DEFAULT if cell.fg == "default" else css_colour(cell.fg)
    background = "" if cell.bg == "default" else css_colour(cell.bg)
    return (background or BACKGROUND, colour) if cell.reverse else (colour, background)


def css_colour(name: str) -> str:
    """Convert pyte's name of a colour to CSS."""
    return COLOURS.get(name.removeprefix("bright"), f"#{name}")


def record(commands: Sequence[str]) -> tuple[list[Frame], float]:
    """Type and run commands; return the frames and the length of the recording in seconds."""
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as folder:
        for command in commands:
            recorder.type(command)
            recorder.run(command, folder)
            recorder.capture(PAUSE)
    recorder.capture(FINAL_PAUSE)
    return recorder.frames, recorder.now


def visible_spans(frames: Sequence[Frame], seconds: float) -> dict[tuple[float, float], list[tuple[int, Line]]]:
    """Group (row, line) pairs by the seconds at which the line appears and vanishes."""
    spans = defaultdict(list)
    moments = [frame.seconds for frame in frames] + [seconds]
    for row, versions in enumerate(zip(*(frame.lines for frame in frames), strict=True)):
        for line, group in itertools.groupby(range(len(frames)), versions.__getitem__):
            numbers = [*group]
            if line:
                spans[moments[numbers[0]], moments[numbers[-1] + 1]].append((row, line))
    return spans


def svg(frames: Sequence[Frame], seconds: float, caption: str = CAPTION) -> str:
    """Return an SVG that plays the frames in a loop.

    A viewer that prefers reduced motion, or whose CSS has no animations, sees the last frame.
    """
    rules, groups = [], []
    for n, ((start, end), lines) in enumerate(sorted(visible_spans(frames, seconds).items())):
        at = [f"{100 * moment / seconds:.2f}%" for moment in (start, end)]
        before = "0%{visibility:hidden}" if start else ""
        after = f"{at[1]}{{visibility:hidden}}" if end < seconds else ""
        rules.append(f"@keyframes k{n}{{{before}{at[0]}{{visibility:visible}}{after}}}")
        hidden = ' visibility="hidden"' if end < seconds else ""
        groups.append(f'<g{hidden} style="animation-name:k{n}">{"".join(draw_line(*line) for line in lines)}</g>')
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


def draw_line(row: int, line: Line) -> str:
    """Return a line as SVG; each run gets the width of its terminal columns, whatever the font."""
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
    """Record COMMANDS and write the SVG."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[1] / ".github" / "terminal.svg")
    output = parser.parse_args().output
    frames, seconds = record(COMMANDS)
    output.write_text(svg(frames, seconds))
    print(f"{output}: {seconds:.0f} s, {len(frames)} frames, {output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
