"""The canonical file names of weights, snapshots and bundled networks.

Weights are saved as `ts2s__{name or "basic"}__{task}_{iteration}.weights.h5`. The snapshot of a training run is named
after its result, with the prefix `s2s_checkpoint__`. Only this module builds and parses these names. `file_name_part`
escapes separators in a task, so parsing is unambiguous.
"""

import contextlib
import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from seq2seq_demo.declarations import likely_name
from seq2seq_demo.errors import MissingWeights

T = TypeVar("T")
WEIGHTS, SNAPSHOT = "ts2s", "s2s_checkpoint"
DEFAULT_NAME = "basic"
SUFFIX = ".weights.h5"
# The names of 2016 iterations end in .tfl.
_FILE_NAME = re.compile(rf"(?:{SNAPSHOT}__)?{WEIGHTS}__(.+)__(.+)_([0-9]{{1,15}})(?:\.weights\.h5|\.tfl)")
MAX_PART_BYTES = 100  # the limit for the task; a file name can have 255 bytes


def canonical_path(data_dir: Path, name: str | None, task: str, iteration: int) -> Path:
    """Return the path of an iteration's weights."""
    return data_dir / f"{WEIGHTS}__{name or DEFAULT_NAME}__{file_name_part(task)}_{iteration}{SUFFIX}"


def snapshot_path(result: Path) -> Path:
    """Return the path of the snapshot of the training run that will write this result."""
    return result.with_name(f"{SNAPSHOT}__{result.name}")


def result_path(snapshot: Path) -> Path:
    """Return the path of the result that the training run with this snapshot will write."""
    return snapshot.with_name(snapshot.name.removeprefix(f"{SNAPSHOT}__"))


def iteration_path(data_dir: Path, name: str | None, task: str, iteration: int) -> Path:
    """Return the path of an iteration's weights, or of the 2016 `.tfl` file if only that exists."""
    path = canonical_path(data_dir, name, task, iteration)
    of_2016 = path.with_name(path.name.removesuffix(SUFFIX) + ".tfl")
    return of_2016 if of_2016.exists() and not path.exists() else path


def parse_task(path: Path) -> str | None:
    """Return the task in a canonical file name, still escaped; None if the name is not canonical."""
    return match[2] if (match := _match(path.name)) else None


def is_snapshot(path: Path) -> bool:
    """Whether the file has the name of a snapshot."""
    return path.name.startswith(f"{SNAPSHOT}__")


def unused_paths(data_dir: Path, name: str | None, task: str) -> Iterator[Path]:
    """Yield the canonical paths that follow the highest iteration of a result or a snapshot in the folder."""
    files = (_files(data_dir, name or DEFAULT_NAME, task, kind) for kind in (WEIGHTS, SNAPSHOT))
    highest = max((iteration for found in files for iteration, _ in found), default=0)
    return (canonical_path(data_dir, name, task, iteration) for iteration in itertools.count(highest + 1))


def save_under_unused_name(
    save: Callable[[Path, bool], T], data_dir: Path, name: str | None, task: str
) -> tuple[Path, T]:
    """Save under the next unused canonical name; return the path and what `save` returned.

    Other runs may do the same concurrently.

    `save(path, overwrite)` must raise FileExistsError if the path exists and `overwrite` is False.
    """
    paths = unused_paths(data_dir, name, task)
    while True:
        path = next(paths)
        with contextlib.suppress(FileExistsError):  # another run has taken the name
            return path, save(path, False)


def newest_first(data_dir: Path, name: str | None, task: str | None, kind: str = WEIGHTS) -> list[Path]:
    """Return the files of a kind that have canonical names, newest first; None matches any name or task.

    If both are None, also return snapshots whose results have other names.
    """
    dated = []
    for iteration, path in _files(data_dir, name, task, kind):
        with contextlib.suppress(OSError):  # removed meanwhile, or a broken link
            dated.append((path.stat().st_mtime_ns, iteration, path))
    return [path for *_, path in sorted(dated, reverse=True)]


def shipped_path(task: str, model: str) -> Path:
    """Return the path of the bundled weights for a pattern and a model."""
    return canonical_path(_shipped_dir(), model, task, 1)


def shipped_networks() -> dict[str, Path]:
    """Return the paths of the bundled networks by name.

    A pattern's network is named after its task and model, as in `sorted-rnn`. Other networks are named after their
    files, as in `g2p`.
    """
    return {display_name(path): path for path in sorted(_shipped_dir().glob(f"*{SUFFIX}"), key=display_name)}


def find_weights(given: Path) -> Path:
    """Return the path of a weights file or, if there is no such file, of the bundled network of this name.

    Raises:
        WeightsError: there is neither a file nor a bundled network.
    """
    is_file, is_bare_name = os.path.lexists(given) and not given.is_dir(), given.name == str(given)
    if is_file or not is_bare_name:
        return given
    shipped = shipped_networks()
    if given.name in shipped:
        return shipped[given.name]
    near = likely_name(given.name.removesuffix(SUFFIX), shipped)
    hint = f"did you mean the bundled network {near}?" if near else "`networks` lists the bundled networks"
    raise MissingWeights(f"{given}: no such file; {hint}")


def display_name(path: Path) -> str:
    """Return a short name that identifies a weights file to users."""
    if match := _match(path.name):
        return f"{match[2]}-{match[1].removeprefix('embedding_')}"
    return path.name.removesuffix(SUFFIX).removesuffix(".h5")


def _shipped_dir() -> Path:
    """Return the folder of the bundled weights: inside the package in a wheel, next to it in a clone."""
    package = Path(__file__).parents[1]
    folder = package / "trained_weights"
    return folder if folder.is_dir() else package.parent / "trained_weights"


def file_name_part(task: str) -> str:
    """Return a task as it appears in a file name.

    A colon, as in MODULE:FUNCTION, becomes a dot, because scp would read a colon as the end of a host name. Each byte
    of a separator or an unprintable character becomes %XX. A long task is truncated and gets a checksum.
    """
    escaped = "".join(_escaped(c) if c in "%/" or not c.isprintable() else c for c in task.replace(":", "."))
    escaped = re.sub("^_|(?<=_)_|_$", _escaped("_"), escaped)
    if len(encoded := os.fsencode(escaped)) <= MAX_PART_BYTES:
        return escaped
    digest = hashlib.sha256(encoded).hexdigest()[:16]
    return encoded[: MAX_PART_BYTES - 17].decode(errors="ignore").rstrip("_") + f"~{digest}"


def _match(file_name: str) -> re.Match[str] | None:
    """Match a canonical name. Unprintable names, which could hold terminal escapes, do not match."""
    return _FILE_NAME.fullmatch(file_name) if file_name.isprintable() else None


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in os.fsencode(character))


def _files(data_dir: Path, name: str | None, task: str | None, kind: str) -> Iterator[tuple[int, Path]]:
    """Yield the iteration and the path of each file that `newest_first` returns, and of each matching broken link."""
    part = None if task is None else file_name_part(task)
    for path in data_dir.glob(f"{kind}__*"):
        if match := _match(path.name):
            if name in (None, match[1]) and part in (None, match[2]):
                yield int(match[3]), path
        elif kind == SNAPSHOT and name is None and part is None and path.name.isprintable():
            yield 0, path
