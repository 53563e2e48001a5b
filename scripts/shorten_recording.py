"""Keep only a few steps of the recordings of networks that were trained on the same pattern with `train --record`.

    .venv/bin/python scripts/shorten_recording.py N WEIGHTS…

Each recording keeps the N steps that `page` would choose, so that small recordings can come with the program.
"""

import sys
from pathlib import Path

from seq2seq_demo import load
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.files import atomic_files
from seq2seq_demo.files.file_names import recording_path
from seq2seq_demo.files.recording import Recording, find_recording, to_bytes
from seq2seq_demo.page.examples import held_out, recorded_moments


def main() -> None:
    """Replace the recordings."""
    n_moments, paths = int(sys.argv[1]), [Path(path) for path in sys.argv[2:]]
    networks = [load(path) for path in paths]
    recordings = [find_recording(path, network.weights) for path, network in zip(paths, networks, strict=True)]
    pairs = [held_out(network, find_pattern(network.pattern)) for network in networks]
    chosen = recorded_moments(list(zip(networks, recordings, pairs, strict=True)), n_moments)
    for path, network, recording, moments in zip(paths, networks, recordings, chosen, strict=True):
        short = Recording(recording.steps_per_epoch, tuple(moments.steps), tuple(moments.weights))
        atomic_files.write(recording_path(path), to_bytes(short, network.model_config, network.weights))
        exact_match = ", ".join(map(str, moments.exact_match))
        print(f"{path}: steps {', '.join(map(str, moments.steps))}; exact match {exact_match}")


if __name__ == "__main__":
    main()
