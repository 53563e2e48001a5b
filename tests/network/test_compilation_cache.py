import atexit
import errno
import hashlib
import os
import subprocess

import pytest
from helpers import PYTHON, environment

from seq2seq_demo.network import compilation_cache

PROGRAM = """
from seq2seq_demo.network import compilation_cache
compilation_cache.use()
import tensorflow as tf
multiply = tf.function(lambda x: tf.tanh(x @ x), jit_compile=True)
print(multiply(tf.fill([7, 7], 0.1)).numpy().sum())
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return an empty cache, whose path contains a space."""
    monkeypatch.setenv("SEQ2SEQ_DEMO_CACHE", str(tmp_path / "a cache"))
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    return tmp_path / "a cache"


def use():
    """Use the cache; return the folder of this process, or ""."""
    compilation_cache.use()
    atexit.unregister(compilation_cache._keep)
    flags = os.environ.pop("TF_XLA_FLAGS", "")
    return flags and compilation_cache.Path(flags.partition("='")[2].rstrip("'"))


def folder_of(cache):
    """The folder in which the programs of this system are kept."""
    use()
    (folder,) = cache.iterdir()
    return folder


def stored(folder, name, content):
    return folder / f"xla_compile_cache__{name}-{hashlib.sha256(content).hexdigest()}.pb"


@pytest.mark.slow
def test_a_program_is_compiled_once_and_answers_the_same(cache):
    def run():
        command = [*PYTHON, "-c", PROGRAM]
        result = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        files = {path: path.stat().st_mtime_ns for path in cache.rglob("*.pb")}
        return result.returncode, result.stdout, files

    first = run()
    assert (first[0], len(first[2])) == (0, 1), first
    assert run() == first  # a program that was compiled again would be newer


def test_each_process_sees_the_undamaged_programs_and_adds_its_own(cache):
    own, folder = use(), folder_of(cache)
    for name, content in [("one", b"1"), ("two", b"22")]:
        (own / f"xla_compile_cache__{name}.pb").write_bytes(content)
    one, two = stored(folder, "one", b"1"), stored(folder, "two", b"22")
    one.write_bytes(b"")  # a process was killed while it wrote
    compilation_cache._keep(own, folder)
    assert (one.read_bytes(), two.read_bytes()) == (b"1", b"22")
    assert not own.exists()
    one.write_bytes(b"damaged")
    (folder / "xla_compile_cache__foreign.pb").write_bytes(b"foreign")
    assert [path.name for path in use().iterdir()] == ["xla_compile_cache__two.pb"]


def test_the_oldest_programs_go_first_and_other_files_stay(cache, monkeypatch):
    own, folder = use(), folder_of(cache)
    monkeypatch.setattr(compilation_cache, "MAX_BYTES", 5)
    others = cache / "tensorflow-1.0-0", cache / "model"
    for other in others:
        other.mkdir()
    old, model = stored(others[0], "old", b"123"), others[1] / "saved_model.pb"
    for path in (old, model):
        path.write_bytes(b"123")
        os.utime(path, (1e9, 1e9))
    (own / "xla_compile_cache__new.pb").write_bytes(b"456")
    compilation_cache._keep(own, folder)
    assert set(cache.rglob("*.pb")) == {model, stored(folder, "new", b"456")}


def test_a_cache_that_is_full_changes_nothing(cache, monkeypatch):
    own, folder = use(), folder_of(cache)
    (own / "xla_compile_cache__new.pb").write_bytes(b"456")

    def full(*_):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(compilation_cache.Path, "write_bytes", full)
    compilation_cache._keep(own, folder)
    assert not own.exists()


@pytest.mark.skipif(os.name != "posix", reason="the folders of Windows have no mode")
def test_a_folder_that_is_not_private_is_not_used(cache):
    folder = folder_of(cache)
    folder.chmod(0o755)
    assert not use()
    folder.chmod(0o700)
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")
    assert not use()


def test_a_user_may_choose_another_cache_or_none(cache, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", f"{compilation_cache.FLAG}=/elsewhere")
    compilation_cache.use()
    assert os.environ.pop("TF_XLA_FLAGS") == f"{compilation_cache.FLAG}=/elsewhere"
    for folder in ("", "/proc"):  # where nothing can be written
        monkeypatch.setenv("SEQ2SEQ_DEMO_CACHE", folder)
        assert not use()
