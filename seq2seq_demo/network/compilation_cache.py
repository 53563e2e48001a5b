"""Keeps the programs that XLA compiles, so that later processes need not recompile them.

A damaged program or a full disk would end a training run, and TensorFlow runs any machine code that it finds. Each
process therefore works in a temporary folder that contains copies of the programs whose digests match. When the
process ends, its new programs are copied to the cache.
"""

import atexit
import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

MAX_BYTES = 200 * 10**6  # beyond this size, the oldest programs are removed
FLAG = "--tf_xla_persistent_cache_directory"


def use() -> None:
    """Let XLA use the cache from now on if its folder is private and the disk has room for copies.

    Otherwise, do nothing. Also do nothing if the user has set `TF_XLA_FLAGS`, which TensorFlow reads when it compiles
    its first program.
    """
    root = folder()
    if os.environ.get("TF_XLA_FLAGS") or not root:
        return
    with contextlib.suppress(OSError):  # if nothing can be written
        system = [version("tensorflow"), _processor(), os.environ["XLA_FLAGS"]]
        cache = Path(root, f"tensorflow-{system[0]}-{hashlib.sha256(repr(system).encode()).hexdigest()[:12]}")
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = cache.lstat()
        is_private = not hasattr(os, "getuid") or (status.st_uid, status.st_mode & 0o777) == (os.getuid(), 0o700)
        if is_private and shutil.disk_usage(tempfile.gettempdir()).free > 2 * MAX_BYTES:
            own = Path(tempfile.mkdtemp(prefix="seq2seq-demo-xla-"))
            atexit.register(_keep, own, cache)
            for path in cache.glob("*.pb"):
                name, _, digest = path.stem.rpartition("-")
                content = path.read_bytes()
                if hashlib.sha256(content).hexdigest() == digest:
                    (own / f"{name}.pb").write_bytes(content)
            os.environ["TF_XLA_FLAGS"] = f"{FLAG}='{own}'"


def folder() -> str:
    """Return the absolute path of the cache, or "" if the user switched it off or has no cache directory."""
    home = {"darwin": "~/Library/Caches", "win32": "~/AppData/Local"}.get(sys.platform, "~/.cache")
    default = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser(home), "seq2seq-demo")
    chosen = os.environ.get("SEQ2SEQ_DEMO_CACHE", default)
    return chosen if os.path.isabs(chosen) else ""


def _processor() -> str:
    """Return the model and, on Linux, the features of the processor that XLA compiles for."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(errors="replace") if info.exists() else f"model {platform.processor()}"
    return "\n".join(sorted(set(re.findall(r"(?m)^(?:model|flags|Features|CPU ).*", text))))


def _keep(own: Path, cache: Path) -> None:
    """Copy a process's new programs to the cache; remove the oldest programs and the process's folder."""
    with contextlib.suppress(OSError):
        for path in own.glob("*.pb"):
            content = path.read_bytes()
            kept = cache / f"{path.stem}-{hashlib.sha256(content).hexdigest()}.pb"
            if not kept.exists() or kept.read_bytes() != content:  # an earlier write may be incomplete
                kept.write_bytes(content)
        programs = cache.parent.glob("tensorflow-*/xla_compile_cache__*.pb")
        total = 0
        for status, path in sorted([(path.stat(), path) for path in programs], key=lambda x: -x[0].st_mtime):
            total += status.st_size
            if total > MAX_BYTES:
                path.unlink()
    shutil.rmtree(own, ignore_errors=True)
