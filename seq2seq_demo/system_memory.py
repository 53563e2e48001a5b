"""Rejects work in advance if it cannot fit into the memory of this machine or process.

Estimates are low, so that work that fits is never rejected.
"""

import contextlib
import ctypes
import gc
import os
from pathlib import Path

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import Seq2SeqError, UsageError

FLOAT_BYTES = 4
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # versions 2 and 1


def total() -> int:
    """Return the memory of this machine in bytes, or the container's limit if that is lower."""
    return min([_physical(), *filter(None, map(_read_limit, CGROUP_LIMITS))])


def _physical() -> int:
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    status = (ctypes.c_uint64 * 8)(64)  # on Windows, a MEMORYSTATUSEX, which begins with its own size in bytes
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return status[1]


def _read_limit(path: str) -> int | None:
    try:
        return int(Path(path).read_bytes())
    except (OSError, ValueError):  # the file is missing, or contains "max"
        return None


def require_memory(purpose: str, needed: int, error_class: type[Seq2SeqError] = UsageError) -> None:
    """Raise `error_class` if `needed` bytes exceed the memory."""
    memory = total()
    if needed > memory:
        sizes = [f"{size / 2**30:,.1f} GiB" for size in (needed, memory)]
        raise error_class(f"{purpose} would need at least {sizes[0]} of memory; this process has {sizes[1]}")


def bytes_per_row(model_config: ModelConfig, in_len: int, out_len: int) -> int:
    """Return how many bytes training must keep for each row of a batch to compute the gradients.

    For a whole batch, this is about a third of training's peak memory.
    """
    width = len(model_config.cell.gates) * model_config.cell_size
    directions = model_config.memory_size // model_config.cell_size
    floats = model_config.num_layers * (directions * in_len + out_len) * width + out_len * model_config.n_output_symbols
    if model_config.has_attention:
        floats += in_len * out_len * model_config.cell_size  # tanh(W_k m_s + q_t)
    return floats * FLOAT_BYTES


def release() -> None:
    """Free objects in reference cycles, and return freed memory to the system if the C library supports this."""
    gc.collect()
    with contextlib.suppress(AttributeError, TypeError):  # only glibc has this function; on Windows, CDLL needs a name
        ctypes.CDLL(None).malloc_trim(0)
