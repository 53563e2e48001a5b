"""Keeps the programs that XLA compiles, so that later processes need not compile them again.

A damaged program would end a training run, and TensorFlow runs the machine code that it finds in its cache. Each
process therefore has a folder of its own, with links to the programs whose digests are right. When the process ends,
its new programs join the others.
"""

import atexit
import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

MAX_BYTES = 200 * 10**6  # the oldest programs go first
MAX_AGE = 7 * 24 * 3600  # s; after this time, the folder of a process that was killed is removed
FLAG = "--tf_xla_persistent_cache_directory"


def use() -> None:
    """Let XLA use the cache from now on, if its folder is private and the disk has room; otherwise do nothing.

    TensorFlow reads `TF_XLA_FLAGS` when it compiles its first program. A cache that the user set there stays.
    """
    flags, root = os.environ.get("TF_XLA_FLAGS", "").strip(), _root()
    if FLAG in flags or flags[:1] not in ("", "-") or not root or "'" in root:
        return
    with contextlib.suppress(OSError):  # nothing can be written, or the processor is unknown
        system = [version("tensorflow"), _processor(), os.environ["XLA_FLAGS"]]
        folder = Path(root, f"tensorflow-{system[0]}-{hashlib.sha256(repr(system).encode()).hexdigest()[:12]}")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        is_private = not hasattr(os, "getuid") or (status.st_uid, status.st_mode & 0o777) == (os.getuid(), 0o700)
        if is_private and shutil.disk_usage(folder).free > MAX_BYTES:
            own = Path(tempfile.mkdtemp(prefix="process-", dir=folder))
            atexit.register(_keep, own)
            for path in folder.glob("*.pb"):
                name, _, digest = path.stem.rpartition("-")
                if _digest(path) == digest and not (link := own / f"{name}.pb").exists():
                    os.link(path, link)
            os.environ["TF_XLA_FLAGS"] = f"{flags} {FLAG}='{own}'"


def _root() -> str:
    """Return the absolute path of the cache; "" if the user switched it off, or has no directory for caches."""
    home = {"darwin": "~/Library/Caches", "win32": "~/AppData/Local"}.get(sys.platform, "~/.cache")
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser(home), "seq2seq-demo")
    folder = os.environ.get("SEQ2SEQ_DEMO_CACHE", folder)
    return folder if os.path.isabs(folder) else ""


def _processor() -> str:
    """Return the model and the features of the processor, for which XLA compiles."""
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    info = Path("/proc/cpuinfo")
    text = info.read_text(errors="replace") if info.exists() else f"model {platform.processor()}"
    return "\n".join(sorted(set(re.findall(r"(?m)^(?:model|flags|Features|CPU ).*", text))))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _keep(own: Path) -> None:
    """Move the new programs of a process to the others, and remove its folder and the oldest programs."""
    with contextlib.suppress(OSError):
        for path in own.glob("*.pb"):
            if path.stat().st_nlink == 1:
                path.replace(own.parent / f"{path.stem}-{_digest(path)}.pb")
        for folder in (own, *own.parent.glob("process-*")):  # first its own, because others may disappear meanwhile
            if folder == own or folder.stat().st_mtime < time.time() - MAX_AGE:
                shutil.rmtree(folder, ignore_errors=True)
        programs = own.parent.parent.glob("tensorflow-*/xla_compile_cache__*.pb")
        total = 0
        for status, path in sorted([(path.stat(), path) for path in programs], key=lambda x: -x[0].st_mtime):
            total += status.st_size
            if total > MAX_BYTES:
                path.unlink()
