"""Draw the pictures in the documents: a terminal (SVG), the page of a network (PNG), and the training page (WebP).

    .venv/bin/python scripts/pictures.py [terminal] [page] [training]

By default, all pictures are drawn. They are written to seq2seq_demo/docs, and the one of the README to .github. The
commands run in an empty folder; Chromium opens the pages.
"""

import argparse
import io
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from published.report import chromium
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "seq2seq_demo" / "docs"
COMMANDS = [
    "seq2seq-demo predict 3 1 2",
    "seq2seq-demo train 100000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 2 -o weights.h5",
    "seq2seq-demo predict -i weights.h5 3 1 4 1 5 9 2 6 5 3 --show-attention",
]
COLUMNS = 112
WITHOUT_FONTS = re.sub(r"@font-face .*?\n    \}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)  # no fonts from a server
SAMPLES = range(0, 16_001, 640)  # a frame of the animation after each number of samples
SOURCE = "4%206%202%207%203%205%209%200%208%201"  # the input does not change when training pauses
INTERVAL, FINAL = 400, 4000  # ms per frame, and for the last frame


def run(command: str, folder: str) -> str:
    """Run a command of the program; return its standard output."""
    argv = [sys.executable, "-m", "seq2seq_demo", *shlex.split(command)[1:]]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True).stdout


def draw_terminal(folder: str) -> None:
    """Draw a terminal that shows COMMANDS and their output; the picture refers to no other file."""
    with open("/dev/null", "w") as null:
        console = Console(record=True, width=COLUMNS, file=null, force_terminal=True)
        for command in COMMANDS:
            console.print(f"[green]$[/] [bold]{command}[/]", highlight=False)
            console.print(Text(run(command, folder)))
    svg = console.export_svg(title="seq2seq-demo", theme=SVG_EXPORT_THEME, code_format=WITHOUT_FONTS)
    (PICTURES / "terminal.svg").write_text(svg)


def draw_page(page: Page, folder: str) -> None:
    """Draw the page of a network at its fourth output."""
    run("seq2seq-demo page -i reversed-attention -o page.html", folder)
    page.goto(f"file://{folder}/page.html#source=4%206%202%207%203%205&place=10")
    page.screenshot(path=PICTURES / "page.png")


def draw_training(page: Page, folder: str) -> None:
    """Draw the training page after each number of SAMPLES."""
    run("seq2seq-demo page --train train.html", folder)
    frames = []
    for samples in SAMPLES:
        page.goto(f"file://{folder}/train.html#source={SOURCE}&samples={samples}")
        if samples:
            page.get_by_role("button", name=f"Train to {samples:,}").click()
        page.wait_for_function(f"() => !app.isTraining && app.state.samples === {samples}")
        frames.append(Image.open(io.BytesIO(page.screenshot())))
    times, path = [*[INTERVAL] * (len(frames) - 1), FINAL], ROOT / ".github" / "training.webp"
    frames[0].save(path, append_images=frames[1:], save_all=True, duration=times, quality=30)


def main() -> None:
    """Draw the pictures that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=["terminal", "page", "training"], default=[])
    names = parser.parse_args().names or ["terminal", "page", "training"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        if "terminal" in names:
            draw_terminal(folder)
        if "page" in names:
            draw_page(page, folder)
        if "training" in names:
            draw_training(page, folder)


if __name__ == "__main__":
    main()
