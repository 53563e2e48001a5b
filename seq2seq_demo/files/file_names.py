"""Canonical names: how the weights files of a series, the snapshots and the shipped weights are called and found.

A training's iterations are named `ts2s__{name or "basic"}__{task}_{iteration}.weights.h5`, its snapshots likewise. They
are made and read back here alone: `part_of_name` sees to it that a task never holds what separates the parts.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

WEIGHTS, SNAPSHOT = "ts2s", "s2s_checkpoint"
DEFAULT_NAME = "basic"
SUFFIX = ".weights.h5"
_FILE_NAME = re.compile(rf"({WEIGHTS}|{SNAPSHOT})__(.+)__(.+)_([0-9]{{1,15}})(?:\.weights\.h5|\.tfl)")  # .tfl: of 2016
LONGEST_PART = 100  # bytes of a name or a task, so that a file name stays below the 255 that it can have


def canonical_path(data_dir: Path, name: str | None, task: str, iteration: int, kind: str = WEIGHTS) -> Path:
    """Return where an iteration is kept, or with SNAPSHOT a snapshot of that number."""
    return data_dir / f"{kind}__{name or DEFAULT_NAME}__{part_of_name(task)}_{iteration}{SUFFIX}"


def iteration_path(data_dir: Path, name: str | None, task: str, iteration: int) -> Path:
    """Return the file of an iteration: ours, or where there is none the one that 2016 left, if there is one."""
    path = canonical_path(data_dir, name, task, iteration)
    of_2016 = path.with_name(path.name.removesuffix(SUFFIX) + ".tfl")
    return of_2016 if of_2016.exists() and not path.exists() else path


def task_in_name(path: Path) -> str | None:
    """Return the task that a canonical file name tells, as it stands there."""
    match = _match(path.name)
    return match[3] if match else None


def name_in_name(path: Path) -> str | None:
    """Return the part NAME of a canonical file name, None for the default one."""
    match = _match(path.name)
    return match[2] if match and match[2] != DEFAULT_NAME else None


def is_snapshot(path: Path) -> bool:
    """Say whether a file is named as a snapshot."""
    match = _match(path.name)
    return match is not None and match[1] == SNAPSHOT


def next_unused_path(data_dir: Path, name: str | None, task: str, kind: str = WEIGHTS) -> Path:
    """Return the canonical path after the last one that is there."""
    iterations = [iteration for iteration, _ in _files(data_dir, name or DEFAULT_NAME, task, kind)]
    return canonical_path(data_dir, name, task, max(iterations, default=0) + 1, kind)


def save_under_unused_name(
    save: Callable[[Path, bool], None], data_dir: Path, name: str | None, task: str, kind: str = WEIGHTS
) -> Path:
    """Save after the last canonical file, even where other trainings do the same at this moment; return the path.

    `save` takes a path and whether to overwrite; if not, it raises FileExistsError where there is a file.
    """
    taken = None
    while True:
        path = next_unused_path(data_dir, name, task, kind)
        try:
            save(path, False)
            return path
        except FileExistsError:  # another training took the name: the next one is free
            if path == taken:
                raise
            taken = path


def newest_first(data_dir: Path, name: str | None, task: str | None, kind: str = WEIGHTS) -> list[Path]:
    """Return the canonical files of that name and task (None: any), the one written last first."""
    dated = []
    for iteration, path in _files(data_dir, name, task, kind):
        with contextlib.suppress(OSError):  # it has been removed, or is a link to nothing
            dated.append((path.stat().st_mtime_ns, iteration, path))
    return [path for *_, path in sorted(dated, reverse=True)]


def recording_path(weights_path: Path) -> Path:
    """Return where the recording of a weights file's training lies: `a.h5` has `a.record.h5`, and `a` too."""
    return weights_path.with_name(weights_path.name.removesuffix(".h5") + ".record.h5")


def shipped_path(task: str, model: str) -> Path:
    """Return the shipped weights of a pattern and a model."""
    return canonical_path(_shipped_dir(), model, task, 1)


def shipped_tasks() -> list[str]:
    """Return the patterns of which weights are shipped."""
    return sorted({task for path in _shipped_dir().glob("*") if (task := task_in_name(path))})


def shipped_networks() -> dict[str, Path]:
    """Return the shipped networks by the names that `-i` takes: `sorted-attention` and `sorted-rnn`, or `g2p`.

    A pattern's is called after its task and its model, any other after its file.
    """
    return {_shipped_name(path): path for path in sorted(_shipped_dir().glob(f"*{SUFFIX}"), key=_shipped_name)}


def shown_name(path: Path) -> str:
    """Return what people call a weights file."""
    return _shipped_name(path).removesuffix(".h5")


def _shipped_name(path: Path) -> str:
    match = _match(path.name)
    return f"{match[3]}-{match[2].removeprefix('embedding_')}" if match else path.name.removesuffix(SUFFIX)


def _shipped_dir() -> Path:
    """Return where the shipped weights lie: in the wheel inside the package, in a clone beside it."""
    package = Path(__file__).parents[1]
    folder = package / "trained_weights"
    return folder if folder.is_dir() else package.parent / "trained_weights"


def part_of_name(task: str) -> str:
    """Return how a task stands in a file name.

    A colon, as in MODULE:FUNCTION, would mean a host to scp, so it becomes a dot. What separates the parts of a name or
    cannot be printed is written %XX, a byte each; a long task is cut, and told from others by a checksum.
    """
    escaped = "".join(_escaped(c) if c in "%/" or not c.isprintable() else c for c in task.replace(":", "."))
    escaped = re.sub("^_|(?<=_)_|_$", _escaped("_"), escaped)
    if len(encoded := os.fsencode(escaped)) <= LONGEST_PART:
        return escaped
    digest = hashlib.sha256(encoded).hexdigest()[:16]
    return encoded[: LONGEST_PART - 17].decode(errors="ignore").rstrip("_") + f"~{digest}"


def _match(file_name: str) -> re.Match[str] | None:
    """Return the parts of a canonical name; one that could act on a terminal is none."""
    return _FILE_NAME.fullmatch(file_name) if file_name.isprintable() else None


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in os.fsencode(character))


def _files(data_dir: Path, name: str | None, task: str | None, kind: str) -> Iterator[tuple[int, Path]]:
    """Yield iteration and path of the canonical files that fit; None fits any. A link to nothing takes a name too."""
    try:
        names = os.listdir(data_dir)
    except (FileNotFoundError, NotADirectoryError):
        return
    for file_name in names:
        match = _match(file_name)
        task_fits = match and (task is None or match[3] == part_of_name(task))
        if match and match[1] == kind and name in (None, match[2]) and task_fits:
            yield int(match[4]), data_dir / file_name
