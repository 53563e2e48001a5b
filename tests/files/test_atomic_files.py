import errno
import os
from unittest.mock import Mock

import pytest

from seq2seq_demo.errors import Seq2SeqError, WeightsError
from seq2seq_demo.files import atomic_files


def crash(*_):
    raise KeyboardInterrupt


def error_of(function, path, *arguments):
    """The message of the error that a function of a path raises, without the path."""
    with pytest.raises(WeightsError) as error:
        function(path, "a thing", *arguments)
    return str(error.value).replace(str(path), "PATH")


NO_FILE = "PATH: expected a thing, got a directory, device or pipe"


def test_read_returns_the_content_or_names_the_obstacle(tmp_path):
    (tmp_path / "a").write_bytes(b"\0one")
    assert atomic_files.read(tmp_path / "a", "a thing") == b"\0one"
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for a writer
    (tmp_path / "link").symlink_to("pipe")
    for name in ("", "pipe", "link", "/dev/zero"):
        assert error_of(atomic_files.read, tmp_path / name) == NO_FILE
    assert error_of(atomic_files.read, tmp_path / "none") == "PATH: no such file"
    assert error_of(atomic_files.read, tmp_path / ("a" * 300)) == "cannot read PATH: file name too long"


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    atomic_files.write(tmp_path / "a", b"old")
    for function, name in [("fsync", "a"), ("replace", "a"), ("link", "b")]:
        with monkeypatch.context() as patch:
            patch.setattr(os, function, crash)
            with pytest.raises(KeyboardInterrupt):
                atomic_files.write(tmp_path / name, b"new", overwrite=name == "a")
        assert (tmp_path / "a").read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_is_replaced_only_with_overwrite(tmp_path, monkeypatch, has_links):
    def no_links(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    atomic_files.write(tmp_path / "a", b"one")
    with pytest.raises(FileExistsError):
        atomic_files.write(tmp_path / "a", b"two", overwrite=False)
    assert (tmp_path / "a").read_bytes() == b"one"
    atomic_files.write(tmp_path / "a", b"two")
    atomic_files.write(tmp_path / "b", b"three", overwrite=False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"two", "b": b"three"}


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/target")
    atomic_files.write(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert os.listdir(tmp_path / "folder") == ["target"]
    assert (tmp_path / "folder" / "target").read_bytes() == b"content"


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    reasons = {"folder": "is a directory", "none/a": "no such file or directory", "a" * 300: "file name too long"}
    for name, reason in reasons.items():
        with pytest.raises(WeightsError, match=f"^cannot write {tmp_path / name}: {reason}$"):
            atomic_files.write(tmp_path / name, b"content", error_class=WeightsError)
    assert os.listdir(tmp_path) == ["folder"]
    assert os.listdir(tmp_path / "folder") == []


def test_check_writable_names_the_obstacle(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"old")
    for name in ("new", "file"):
        atomic_files.check_writable(tmp_path / name, "a thing")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
    (tmp_path / "link").symlink_to(tmp_path / "none" / "a")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        assert error_of(atomic_files.check_writable, path, WeightsError) == NO_FILE
    for path, folder in {"link": "none", "file/a": "file"}.items():
        message = f"cannot write PATH: there is no writable directory {tmp_path}/{folder}"
        assert error_of(atomic_files.check_writable, tmp_path / path, WeightsError) == message
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    with pytest.raises(Seq2SeqError, match=f"there is no writable directory {tmp_path}$"):
        atomic_files.check_writable(tmp_path / "new", "a thing")


def test_a_planted_link_is_not_followed(tmp_path, monkeypatch):
    """An attacker may create the link under the claimed name, or under a guessed temporary name."""
    (tmp_path / "precious").write_text("precious")
    monkeypatch.setattr(os, "urandom", lambda n: b"a" * n)
    planted = tmp_path / f".seq2seq-demo-{(b'a' * 8).hex()}.tmp"
    planted.symlink_to("precious")
    with pytest.raises(FileExistsError):
        atomic_files.write(tmp_path / "new", b"content")
    monkeypatch.undo()
    (tmp_path / "claimed").symlink_to("nothing")
    with pytest.raises(FileExistsError):
        atomic_files.write(tmp_path / "claimed", b"content", overwrite=False)
    (tmp_path / "snapshot").symlink_to("precious")
    atomic_files.write_locked(tmp_path / "snapshot", b"content", True, WeightsError).close()
    assert not (tmp_path / "snapshot").is_symlink()
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "nothing").exists()


def test_a_file_that_is_written_stays_locked_until_it_is_closed(tmp_path):
    message = f"^{tmp_path}/a: another process is using this file$"
    locked = atomic_files.write_locked(tmp_path / "a", b"one", True, WeightsError)
    with locked, pytest.raises(WeightsError, match=message):
        atomic_files.open_locked(tmp_path / "a", "a thing")
    with atomic_files.open_locked(tmp_path / "a", "a thing") as file, pytest.raises(WeightsError, match=message):
        atomic_files.open_locked(tmp_path / "a", "a thing")
    assert file.closed


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_file_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch, overwrite):
    calls = Mock()
    for name in ("fsync", "replace", "link"):
        getattr(calls, name).side_effect = getattr(os, name)
        monkeypatch.setattr(os, name, getattr(calls, name))
    atomic_files.write(tmp_path / "a", b"content", overwrite)
    renamed = "replace" if overwrite else "link"
    assert [call[0] for call in calls.mock_calls] == ["fsync", renamed, "fsync"]  # the second flushes the directory
