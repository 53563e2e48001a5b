"""Which weights file is meant: canonical names in `--data-dir`, and the weights that the program ships.

A training's iterations are named `ts2s__{name or "basic"}__{pattern}_{iteration}.weights.h5`, its snapshots likewise.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from seq2seq_demo import weights
from seq2seq_demo.parameters import TrainedNetwork

WEIGHTS, SNAPSHOT = "ts2s", "s2s_checkpoint"
DEFAULT_NAME = "basic"
_FILE_NAME = re.compile(rf"({WEIGHTS}|{SNAPSHOT})__(.+)__(.+)_(\d+)(?:\.weights\.h5|\.tfl)")  # .tfl: of 2016


def canonical_path(data_dir: Path, name: str | None, pattern: str, iteration: int, kind: str = WEIGHTS) -> Path:
    """Return where an iteration is kept, or with SNAPSHOT a snapshot of that number."""
    return data_dir / f"{kind}__{name or DEFAULT_NAME}__{_part(pattern)}_{iteration}.weights.h5"


def iteration_path(data_dir: Path, name: str | None, pattern: str, iteration: int) -> Path:
    """Return the file of an iteration: ours, or where there is none the one that 2016 left, if there is one."""
    path = canonical_path(data_dir, name, pattern, iteration)
    of_2016 = path.with_name(path.name.removesuffix(".weights.h5") + ".tfl")
    return of_2016 if of_2016.exists() and not path.exists() else path


def pattern_in_name(path: Path) -> str | None:
    """Return the pattern that a canonical file name tells."""
    match = _FILE_NAME.fullmatch(path.name)
    return match and match[3]


def next_unused_path(data_dir: Path, name: str | None, pattern: str, kind: str = WEIGHTS) -> Path:
    """Return the canonical path after the last one that is there."""
    iterations = [iteration for iteration, _ in _files(data_dir, name or DEFAULT_NAME, pattern, kind)]
    return canonical_path(data_dir, name, pattern, max(iterations, default=0) + 1, kind)


def save_under_unused_name(
    network: TrainedNetwork, data_dir: Path, name: str | None, pattern: str, kind=WEIGHTS
) -> Path:
    """Save after the last canonical file, even where other trainings do the same at this moment; return where."""
    while True:
        path = next_unused_path(data_dir, name, pattern, kind)
        try:
            weights.save(network, path, overwrite=False)
            return path
        except FileExistsError:  # another training took the name: the next one is free
            continue


def newest_first(data_dir: Path, name: str | None, pattern: str | None, kind: str = WEIGHTS) -> list[Path]:
    """Return the canonical files of that name and pattern (None: any), the one written last first."""
    files = _files(data_dir, name, pattern, kind)
    dated = [(path.stat().st_mtime_ns, iteration, path) for iteration, path in files]
    return [path for *_, path in sorted(dated, reverse=True)]


def shipped_path(pattern: str, model: str, in_len: int | None = None) -> Path:
    """Return the shipped weights of a pattern and a model, trained at that length if there are such, or else at 10.

    They lie in the wheel inside the package, in a clone beside it.
    """
    package = Path(__file__).parent
    folder = package / "trained_weights"
    if not folder.is_dir():
        folder = package.parent / "trained_weights"
    path = canonical_path(folder, f"{model}_{in_len}", pattern, 1)
    return path if path.exists() else canonical_path(folder, model, pattern, 1)


def _part(pattern: str | None) -> str | None:
    """Return how a pattern stands in a file name: a colon, as in MODULE:FUNCTION, would mean a host to scp."""
    return pattern and pattern.replace(":", ".")


def _files(data_dir: Path, name: str | None, pattern: str | None, kind: str) -> Iterator[tuple[int, Path]]:
    """Yield iteration and path of the canonical files that fit; None fits any."""
    for path in data_dir.iterdir() if data_dir.is_dir() else ():
        match = _FILE_NAME.fullmatch(path.name)
        if match and match[1] == kind and name in (None, match[2]) and _part(pattern) in (None, match[3]):
            yield int(match[4]), path
