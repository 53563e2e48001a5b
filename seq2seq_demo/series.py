"""Which weights file is meant: canonical names in `--data-dir`, and the weights that the program ships.

A training's iterations are named `ts2s__{name or "basic"}__{pattern}_{iteration}.weights.h5`.
"""

import re
from pathlib import Path

CANONICAL = re.compile(r"ts2s__(?P<name>.+)__(?P<pattern>.+)_(?P<iteration>\d+)\.weights\.h5")
DEFAULT_NAME = "basic"


def canonical_path(data_dir: Path, name: str | None, pattern: str, iteration: int) -> Path:
    """Return where an iteration is kept."""
    return data_dir / f"ts2s__{name or DEFAULT_NAME}__{pattern}_{iteration}.weights.h5"


def next_unused_path(data_dir: Path, name: str | None, pattern: str) -> Path:
    """Return the canonical path after the last iteration that is there."""
    iterations = [int(match["iteration"]) for _, match in _canonical_files(data_dir, name or DEFAULT_NAME, pattern)]
    return canonical_path(data_dir, name, pattern, max(iterations, default=0) + 1)


def newest_first(data_dir: Path, name: str | None = None, pattern: str | None = None) -> list[Path]:
    """Return the canonical files of that name and pattern (None: any), the one written last first."""
    files = [
        (path.stat().st_mtime_ns, int(match["iteration"]), path)
        for path, match in _canonical_files(data_dir, name, pattern)
    ]
    return [path for *_, path in sorted(files, reverse=True)]


def shipped_path(pattern: str, model: str) -> Path:
    """Return the shipped weights of a pattern and a model: in the wheel inside the package, in a clone beside it."""
    package = Path(__file__).parent
    folder = package / "trained_weights"
    if not folder.is_dir():
        folder = package.parent / "trained_weights"
    return canonical_path(folder, model, pattern, 1)


def _canonical_files(data_dir: Path, name: str | None, pattern: str | None):
    if not data_dir.is_dir():
        return
    for path in data_dir.iterdir():
        match = CANONICAL.fullmatch(path.name)
        if match and name in (None, match["name"]) and pattern in (None, match["pattern"]):
            yield path, match
