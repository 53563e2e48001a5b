"""Run commands, and draw a terminal that shows them and their output as an SVG.

    .venv/bin/python scripts/record_terminal.py

The commands run in an empty folder. The picture is .github/terminal.svg, which refers to no other file.
"""

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

COMMANDS = [
    "seq2seq-demo predict 3 1 2",
    "seq2seq-demo train 100000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 2 -o weights.h5",
    "seq2seq-demo predict -i weights.h5 3 1 4 1 5 9 2 6 5 3 --show-attention",
]
PICTURE = Path(__file__).parents[1] / ".github" / "terminal.svg"
COLUMNS = 112
WITHOUT_FONTS = re.sub(r"@font-face .*?\n    \}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)  # they are on a server


def main() -> None:
    """Run the commands and write the picture."""
    with tempfile.TemporaryDirectory() as folder, open("/dev/null", "w") as null:
        console = Console(record=True, width=COLUMNS, file=null, force_terminal=True)
        for command in COMMANDS:
            argv = [sys.executable, "-m", "seq2seq_demo", *shlex.split(command)[1:]]
            done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True)
            console.print(f"[green]$[/] [bold]{command}[/]", highlight=False)
            console.print(Text(done.stdout))
    PICTURE.write_text(console.export_svg(title="seq2seq-demo", theme=SVG_EXPORT_THEME, code_format=WITHOUT_FONTS))


if __name__ == "__main__":
    main()
