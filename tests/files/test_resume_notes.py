import json
import os
from pathlib import Path

import pytest

from seq2seq_demo.files import resume_notes
from seq2seq_demo.files.resume_notes import Destination


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state" / "seq2seq-demo"


@pytest.mark.parametrize("destination", [Destination(), Destination(Path("w"), True), Destination(Path("a/ä\udcff"))])
def test_a_note_is_found_from_any_directory(tmp_path, monkeypatch, destination):
    resume_notes.save_destination(Path("snapshot"), "t", destination)
    (tmp_path / "d").mkdir()
    monkeypatch.chdir("d")
    recorded = resume_notes.load_destination(Path("../snapshot"), "t")
    assert recorded.overwrite == destination.overwrite
    assert recorded.output == (destination.output and tmp_path / destination.output)
    assert recorded.folder == tmp_path
    assert resume_notes.load_destination(Path("../other"), "t") is None
    assert resume_notes.load_destination(Path("../snapshot"), "of another training run") is None
    resume_notes.delete_destination(Path("../snapshot"))
    assert resume_notes.load_destination(tmp_path / "snapshot", "t") is None
    resume_notes.delete_destination(tmp_path / "snapshot")


def test_only_the_user_can_read_notes(state):
    resume_notes.save_destination(Path("snapshot"), "t", Destination())
    assert state.stat().st_mode & 0o777 == 0o700
    assert len(os.listdir(state)) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", '{"output": 7, "overwrite": true}', "{}"])
def test_an_invalid_note_is_ignored(state, text):
    resume_notes.save_destination(Path("snapshot"), "t", Destination())
    (path,) = state.iterdir()
    assert json.loads(path.read_text())["overwrite"] is False
    path.write_text(text)
    assert resume_notes.load_destination(Path("snapshot"), "t") is None


def test_a_note_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    resume_notes.save_destination(Path("snapshot"), "t", Destination())
    assert resume_notes.load_destination(Path("snapshot"), "t") is None
    resume_notes.delete_destination(Path("snapshot"))


def test_the_default_folder_is_below_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    resume_notes.save_destination(Path("snapshot"), "t", Destination())
    assert len(os.listdir(tmp_path / "home/.local/state/seq2seq-demo")) == 1


def test_a_deleted_working_directory_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir("gone")
    (tmp_path / "gone").rmdir()
    resume_notes.save_destination(tmp_path / "snapshot", "t", Destination(Path("w")))
    assert resume_notes.load_destination(tmp_path / "snapshot", "t") is None
