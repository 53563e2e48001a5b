"""Where the trainings under way are to be saved: notes for `--resume` in the user's own state directory.

A snapshot does not tell: it may come from a stranger, who must not choose where it is written to.
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
    """Where a training is saved."""

    output: Path | None = None  # None: under the next unused canonical name
    overwrite: bool = False  # the user named it, so that what is there may be replaced
    folder: Path = Path()  # of canonical names


def note(snapshot: Path, training: str, destination: Destination) -> None:
    """Keep the destination of the training that leaves this snapshot, if there is a place for such notes.

    `training` identifies it, so that another one's snapshot of that name does not follow the note.
    """
    with contextlib.suppress(OSError, RuntimeError, Seq2SeqError):
        path, output = _path(snapshot), destination.output
        facts = {
            "snapshot": os.path.realpath(snapshot),
            "training": training,
            "output": None if output is None else os.path.abspath(output),
            "overwrite": destination.overwrite,
            "folder": os.path.abspath(destination.folder),
        }
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_files.write(path, json.dumps(facts).encode())


def noted(snapshot: Path, training: str) -> Destination | None:
    """Return the destination that was noted, None where there is no note on that training that can be read."""
    try:
        facts = json.loads(_path(snapshot).read_bytes())
        output = Path(facts["output"]) if facts["output"] else None
        destination = Destination(output, facts["overwrite"] is True, Path(facts["folder"]))
        return destination if facts["training"] == training else None
    except (OSError, RuntimeError, ValueError, LookupError, TypeError):
        return None


def forget(snapshot: Path) -> None:
    """Remove the note: the training has been saved."""
    with contextlib.suppress(OSError, RuntimeError):
        _path(snapshot).unlink()


def _path(snapshot: Path) -> Path:
    """Return where the note on a snapshot is kept.

    Raises:
        RuntimeError: nobody knows where this user's home is.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    name = hashlib.sha256(os.fsencode(os.path.realpath(snapshot))).hexdigest()
    return folder / "seq2seq-demo" / f"{name}.json"
