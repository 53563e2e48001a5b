"""The memory of this machine or process. Data that cannot fit is rejected before memory is allocated."""

import contextlib
import ctypes
import gc
import os
from pathlib import Path

CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # versions 2 and 1


def total() -> int:
    """Return the memory of this machine in bytes, or the limit of the container or of the process if it is lower."""
    return min([_physical(), *filter(None, map(_read_limit, CGROUP_LIMITS)), *_process_limits()])


def _process_limits() -> list[int]:
    with contextlib.suppress(ImportError):  # in Windows
        from resource import RLIMIT_AS, RLIMIT_DATA, getrlimit

        return [limit for kind in (RLIMIT_AS, RLIMIT_DATA) if (limit := getrlimit(kind)[0]) >= 0]  # -1 is no limit
    return []


def _physical() -> int:
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    status = (ctypes.c_uint64 * 8)(64)  # on Windows: a MEMORYSTATUSEX, which begins with its size in bytes
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return status[1]


def _read_limit(path: str) -> int | None:
    try:
        return int(Path(path).read_bytes())
    except (OSError, ValueError):  # the file is missing, or contains "max"
        return None


def gib(size: int) -> str:
    """Format a number of bytes in GiB."""
    return f"{size / 2**30:,.1f} GiB"


def shortage(needed: int) -> str:
    """Return the error text if `needed` bytes exceed the memory, else an empty string."""
    memory = total()
    return f"would need {gib(needed)} of memory or more; this process has {gib(memory)}" if needed > memory else ""


def release() -> None:
    """Free objects in reference cycles, and give freed memory back to the system, where the C library can do that."""
    gc.collect()
    with contextlib.suppress(AttributeError, TypeError):  # only glibc has this function; Windows needs a name
        ctypes.CDLL(None).malloc_trim(0)
