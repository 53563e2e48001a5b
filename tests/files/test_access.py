import os
import stat

import pytest

from seq2seq_demo.errors import DemoError, WeightsError
from seq2seq_demo.files import access


def test_read(tmp_path):
    (tmp_path / "a").write_bytes(b"\0one")
    assert access.read(tmp_path / "a", "a thing") == b"\0one"
    with pytest.raises(DemoError, match=f"^{tmp_path}/none: expected a thing, found none$"):
        access.read(tmp_path / "none", "a thing")
    with pytest.raises(WeightsError, match=f"^{tmp_path}: expected a thing, got: Is a directory$"):
        access.read(tmp_path, "a thing", WeightsError)


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    access.write(tmp_path / "a", b"old")

    def crash(*_):
        raise KeyboardInterrupt

    for function in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, crash)
            with pytest.raises(KeyboardInterrupt):
                access.write(tmp_path / "a", b"new")
        assert (tmp_path / "a").read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["a"]


def test_a_file_is_replaced_only_where_it_may_be(tmp_path):
    access.write(tmp_path / "a", b"one")
    with pytest.raises(FileExistsError):
        access.write(tmp_path / "a", b"two", overwrite=False)
    assert (tmp_path / "a").read_bytes() == b"one"
    access.write(tmp_path / "a", b"two")
    access.write(tmp_path / "b", b"three", overwrite=False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"two", "b": b"three"}


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/target")
    access.write(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert os.listdir(tmp_path / "folder") == ["target"]
    assert (tmp_path / "folder" / "target").read_bytes() == b"content"


def test_what_could_not_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "none" / "a", tmp_path / ("a" * 300)):
        with pytest.raises(OSError):
            access.write(path, b"content")
    assert os.listdir(tmp_path) == ["folder"]
    assert os.listdir(tmp_path / "folder") == []


def test_check_writable_leaves_everything_as_it_is(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    for name in ("new", "old"):
        access.check_writable(tmp_path / name, "a thing")
    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


def test_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "none" / "a")
    os.mkfifo(tmp_path / "pipe")
    for path, obstacle in [
        (tmp_path, ", found a directory"),
        (tmp_path / "pipe", ", found a device or pipe"),
        (tmp_path / "none" / "a", f", but there is no directory {tmp_path}/none"),
        (tmp_path / "link", f", but there is no directory {tmp_path}/none"),
        (tmp_path / "file" / "a", f", but there is no directory {tmp_path}/file"),
        (tmp_path / ("a" * 300), ": File name too long"),
    ]:
        for error_class in (DemoError, WeightsError):
            with pytest.raises(error_class) as error:
                access.check_writable(path, "a thing", error_class)
            assert str(error.value) == f"{path}: expected a place for a thing{obstacle}"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    with pytest.raises(DemoError, match=f"a place for a thing, but {tmp_path} cannot be written$"):
        access.check_writable(tmp_path / "new", "a thing")
