"""Notes in the user's state directory: where to save each training run in progress. `--resume` reads them.

Snapshots do not contain the destination: a snapshot may come from a stranger, who must not choose where to write.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from seq2seq_demo.errors import Seq2SeqError
from seq2seq_demo.files import atomic_files


class Destination(NamedTuple):
    """The place where a finished training run is saved."""

    output: Path | None = None  # None: the next unused canonical name in `folder`
    overwrite: bool = False  # whether `output` may be replaced; True if the user named it
    folder: Path = Path()


def save_destination(snapshot: Path, training: str, destination: Destination) -> None:
    """Note the destination of the run that wrote this snapshot; ignore errors.

    `training` is the run's `training_id`. With it, another run whose snapshot has the same path does not use the note.
    """
    with contextlib.suppress(OSError, RuntimeError, Seq2SeqError):
        path, output = _path(snapshot), destination.output
        note = {
            "snapshot": os.path.realpath(snapshot),
            "training": training,
            "output": None if output is None else os.path.abspath(output),
            "overwrite": destination.overwrite,
            "folder": os.path.abspath(destination.folder),
        }
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_files.write(path, json.dumps(note).encode())


def load_destination(snapshot: Path, training: str) -> Destination | None:
    """Return the destination of a run; None if the run has no readable note."""
    try:
        note = json.loads(_path(snapshot).read_bytes())
        output = Path(note["output"]) if note["output"] else None
        destination = Destination(output, note["overwrite"] is True, Path(note["folder"]))
        return destination if note["training"] == training else None
    except (OSError, RuntimeError, ValueError, LookupError, TypeError):
        return None


def delete_destination(snapshot: Path) -> None:
    """Delete the note on a snapshot, if there is one; ignore errors."""
    with contextlib.suppress(OSError, RuntimeError):
        _path(snapshot).unlink()


def _path(snapshot: Path) -> Path:
    """Return the path of the note on a snapshot.

    Raises:
        RuntimeError: the home directory is unknown.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    name = hashlib.sha256(os.fsencode(os.path.realpath(snapshot))).hexdigest()
    return folder / "seq2seq-demo" / f"{name}.json"
