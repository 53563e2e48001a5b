import os
from pathlib import Path

import pytest

from seq2seq_demo.files import canonical


def touch(folder, name, time):
    (folder / name).write_text("")
    os.utime(folder / name, (time, time))


def test_canonical_path(tmp_path):
    assert canonical.canonical_path(tmp_path, None, "sorted", 3) == tmp_path / "ts2s__basic__sorted_3.weights.h5"
    assert canonical.canonical_path(tmp_path, "a b", "maxmin_dup", 0).name == "ts2s__a b__maxmin_dup_0.weights.h5"


def test_next_unused_path(tmp_path):
    assert canonical.next_unused_path(tmp_path, None, "sorted").name == "ts2s__basic__sorted_1.weights.h5"
    for name in ("basic__sorted_2", "basic__sorted_10", "other__sorted_12", "basic__reversed_13"):
        touch(tmp_path, f"ts2s__{name}.weights.h5", 1)
    assert canonical.next_unused_path(tmp_path, None, "sorted").name == "ts2s__basic__sorted_11.weights.h5"
    assert canonical.next_unused_path(tmp_path, "other", "sorted").name == "ts2s__other__sorted_13.weights.h5"


def test_newest_first(tmp_path):
    touch(tmp_path, "ts2s__basic__maxmin_dup_1.weights.h5", 30)
    touch(tmp_path, "ts2s__my__net__sorted_2.weights.h5", 20)
    touch(tmp_path, "ts2s__basic__sorted_7.weights.h5", 10)
    touch(tmp_path, "ts2s__basic__sorted_8.weights.h5", 10)
    touch(tmp_path, "weights.h5", 40)

    def names(**which):
        return [path.name[6:-11] for path in canonical.newest_first(tmp_path, which.get("name"), which.get("task"))]

    assert names() == ["basic__maxmin_dup_1", "my__net__sorted_2", "basic__sorted_8", "basic__sorted_7"]
    assert names(task="sorted") == ["my__net__sorted_2", "basic__sorted_8", "basic__sorted_7"]
    assert names(name="my__net") == ["my__net__sorted_2"]
    assert names(name="basic", task="maxmin_dup") == ["basic__maxmin_dup_1"]
    assert canonical.newest_first(tmp_path / "none", None, None) == []
    assert canonical.newest_first(tmp_path, None, None, canonical.SNAPSHOT) == []


def test_a_task_of_a_user_in_a_name(tmp_path):
    path = canonical.canonical_path(tmp_path, None, "mine:f", 2)
    assert path.name == "ts2s__basic__mine.f_2.weights.h5"
    touch(tmp_path, path.name, 1)
    assert canonical.next_unused_path(tmp_path, None, "mine:f").name == "ts2s__basic__mine.f_3.weights.h5"
    assert canonical.newest_first(tmp_path, None, "mine:f") == [path]


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("ts2s__basic__sorted_1.weights.h5", "sorted"),
        ("ts2s__my__net__maxmin_dup_12.weights.h5", "maxmin_dup"),
        ("ts2s__attention__sorted_1.tfl", "sorted"),
        ("s2s_checkpoint__basic__mine.f_3.weights.h5", "mine.f"),
        ("sorted_1.weights.h5", None),
        ("ts2s__basic__sorted.weights.h5", None),
    ],
)
def test_the_task_in_a_name(name, task):
    assert canonical.task_in_name(Path("anywhere") / name) == task


def test_an_iteration_that_2016_left(tmp_path):
    ours, of_2016 = (tmp_path / f"ts2s__basic__sorted_1{ending}" for ending in (".weights.h5", ".tfl"))
    assert canonical.iteration_path(tmp_path, None, "sorted", 1) == ours
    touch(tmp_path, of_2016.name, 1)
    assert canonical.iteration_path(tmp_path, None, "sorted", 1) == of_2016
    touch(tmp_path, ours.name, 1)
    assert canonical.iteration_path(tmp_path, None, "sorted", 1) == ours


def test_a_name_that_another_training_takes_at_this_moment(tmp_path):
    tried = []

    def save(path, overwrite):
        tried.append(path.name)
        assert not overwrite
        if len(tried) < 3:
            touch(tmp_path, path.name, 1)
            raise FileExistsError
        path.write_text("whole")

    path = canonical.save_under_unused_name(save, tmp_path, "a", "copy")
    assert path.read_text() == "whole"
    assert tried == [f"ts2s__a__copy_{n}.weights.h5" for n in (1, 2, 3)]


def test_shipped_weights():
    assert canonical.shipped_path("sorted", "embedding_rnn").is_file()
    twenty = canonical.shipped_path("sorted", "embedding_attention", 20)
    assert twenty.name == "ts2s__embedding_attention_20__sorted_1.weights.h5"
    at_10 = canonical.shipped_path("sorted", "embedding_attention")
    assert canonical.shipped_path("sorted", "embedding_attention", 7) == at_10 != twenty
    assert not canonical.shipped_path("no_such", "embedding_rnn").exists()
    assert "sorted" in canonical.shipped_tasks()
