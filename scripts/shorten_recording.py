"""Keep only a few steps of recordings, so that they can come with the program.

    .venv/bin/python scripts/shorten_recording.py N WEIGHTS…

Each recording beside a weights file keeps at most N steps, spaced as on a page.
"""

import sys
from pathlib import Path

from seq2seq_demo import load
from seq2seq_demo.files import atomic_files
from seq2seq_demo.files.file_names import recording_path
from seq2seq_demo.files.recording import find_recording, to_bytes
from seq2seq_demo.page.examples import spaced


def main() -> None:
    """Replace the recordings."""
    for path in map(Path, sys.argv[2:]):
        network = load(path)
        short = spaced(find_recording(path, network.weights), int(sys.argv[1]))
        atomic_files.write(recording_path(path), to_bytes(short, network.weights))
        print(f"{path}: steps {', '.join(map(str, short.steps))}")


if __name__ == "__main__":
    main()
