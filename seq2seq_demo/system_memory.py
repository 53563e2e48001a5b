"""How much memory there is: what cannot fit is refused before it is allocated, with the figure."""

import os
from pathlib import Path

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container


def total() -> int:
    """Return the bytes of memory that this machine has, or that it lets this container use."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *filter(None, map(_limit, LIMITS))])


def _limit(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):  # there is no such limit, or it is "max"
        return None


def gib(size: int) -> str:
    """Return a number of bytes as errors say it."""
    return f"{size / 2**30:,.1f} GiB"


def lack(needed: int) -> str:
    """Return the error text for a need of more bytes than there are, or an empty text."""
    has = total()
    return f"need {gib(needed)} of memory or more, this machine has {gib(has)}" if needed > has else ""
