"""Where the trainings under way are to be saved: notes for `--resume` in the user's own state directory.

A snapshot does not tell: it may come from a stranger, who must not choose where it is written to.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from seq2seq_demo.files import access


class Destination(NamedTuple):
    """Where a training is saved."""

    output: Path | None = None  # None: under the next unused canonical name
    overwrite: bool = False  # the user named it, so that what is there may be replaced


def note(snapshot: Path, destination: Destination) -> None:
    """Keep the destination of the training that leaves this snapshot, if there is a place for such notes."""
    facts = {"snapshot": os.path.realpath(snapshot), "output": None, "overwrite": destination.overwrite}
    if destination.output is not None:
        facts["output"] = os.path.abspath(destination.output)
    with contextlib.suppress(OSError, RuntimeError):
        path = _path(snapshot)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        access.write(path, json.dumps(facts).encode())


def noted(snapshot: Path) -> Destination | None:
    """Return the destination that was noted, None where there is no note that can be read."""
    try:
        facts = json.loads(_path(snapshot).read_bytes())
        return Destination(Path(facts["output"]) if facts["output"] else None, facts["overwrite"] is True)
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
