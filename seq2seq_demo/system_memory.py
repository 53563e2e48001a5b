"""The memory of this machine or process, and of training and decoding: what cannot fit is rejected before it starts."""

import contextlib
import ctypes
import gc
import os
from pathlib import Path

from seq2seq_demo.config import MAX_LEN, ModelConfig
from seq2seq_demo.errors import UsageError

FLOAT_BYTES = 4
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # versions 2 and 1


def total() -> int:
    """Return the memory of this machine in bytes, or the limit of the container if it is lower."""
    return min([_physical(), *filter(None, map(_read_limit, CGROUP_LIMITS))])


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


# ---- Estimates, which are low, so that a request that is slightly too large is not rejected ----


def bytes_per_row(model_config: ModelConfig, in_len: int, out_len: int) -> int:
    """Return the bytes per row of a batch that training must keep to compute the gradients.

    They are about a third of training's peak memory.
    """
    width = len(model_config.cell.gates) * model_config.cell_size
    directions = model_config.memory_size // model_config.cell_size
    floats = model_config.num_layers * (directions * in_len + out_len) * width + out_len * model_config.n_output_symbols
    if model_config.has_attention:
        floats += in_len * out_len * model_config.cell_size  # tanh(W_k m_s + q_t)
    return floats * FLOAT_BYTES


def check_points_fit(n: int, in_len: int, out_len: int) -> None:
    """Raise UsageError if n pairs of these lengths cannot fit into memory."""
    n, in_len, out_len = int(n), int(in_len), int(out_len)  # NumPy integers would overflow
    # At least a byte per symbol, and 16 bytes per pair for the order of an epoch.
    check_fits(f"{n} points of {in_len} + {out_len} symbols", n * (in_len + out_len + 16))


def check_decoding_fits(model_config: ModelConfig, rows: int, in_len: int, out_len: int) -> None:
    """Raise UsageError if decoding `rows` sequences at once cannot fit into memory, or a length is above MAX_LEN."""
    check_lengths(in_len, out_len)
    S, T, c = int(in_len), int(out_len), model_config
    floats = S * c.memory_size + T * c.n_output_symbols + c.has_attention * S * (c.cell_size + T)  # keys and α
    check_fits(f"{rows} sequences of {S} + {T} symbols, decoded at once,", rows * floats * FLOAT_BYTES)


def check_lengths(in_len: int, out_len: int) -> None:
    """Raise UsageError if a length is above MAX_LEN."""
    if max(in_len, out_len) > MAX_LEN:
        raise UsageError(f"expected sequences of at most {MAX_LEN} symbols, got {max(in_len, out_len)}")


def check_fits(purpose: str, needed: int) -> None:
    """Raise UsageError if `needed` bytes exceed the memory."""
    if lack := shortage(needed):
        raise UsageError(f"{purpose} {lack}")
