import os

import pytest

from seq2seq_demo.files import file_names


def touch(folder, name, time):
    (folder / name).write_text("")
    os.utime(folder / name, (time, time))


def test_files_are_listed_newest_first(tmp_path):
    touch(tmp_path, "ts2s__basic__maxmin_dup_1.weights.h5", 30)
    touch(tmp_path, "ts2s__my__net__sorted_2.weights.h5", 20)
    touch(tmp_path, "ts2s__basic__sorted_7.weights.h5", 10)
    touch(tmp_path, "ts2s__basic__sorted_8.weights.h5", 10)
    touch(tmp_path, "weights.h5", 40)
    (tmp_path / "ts2s__basic__sorted_3.weights.h5").symlink_to("nothing")

    def names(**given):
        return [path.name[6:-11] for path in file_names.newest_first(tmp_path, given.get("name"), given.get("task"))]

    assert names() == ["basic__maxmin_dup_1", "my__net__sorted_2", "basic__sorted_8", "basic__sorted_7"]
    assert names(task="sorted") == ["my__net__sorted_2", "basic__sorted_8", "basic__sorted_7"]
    assert names(name="my__net") == ["my__net__sorted_2"]
    assert names(name="basic", task="maxmin_dup") == ["basic__maxmin_dup_1"]
    assert file_names.newest_first(tmp_path / "none", None, None) == []
    assert file_names.newest_first(tmp_path, None, None, file_names.SNAPSHOT) == []


def test_an_iteration_may_be_a_file_of_2016(tmp_path):
    ours, of_2016 = (tmp_path / f"ts2s__basic__sorted_1{ending}" for ending in (".weights.h5", ".tfl"))
    assert file_names.iteration_path(tmp_path, None, "sorted", 1) == ours
    touch(tmp_path, of_2016.name, 1)
    assert file_names.iteration_path(tmp_path, None, "sorted", 1) == of_2016
    touch(tmp_path, ours.name, 1)
    assert file_names.iteration_path(tmp_path, None, "sorted", 1) == ours


def test_a_name_that_another_training_just_took_is_skipped(tmp_path):
    tried = []

    def save(path, overwrite):
        tried.append(path.name)
        assert not overwrite
        if len(tried) < 3:
            touch(tmp_path, path.name, 1)
            raise FileExistsError
        path.write_text("whole")
        return "saved"

    path, saved = file_names.save_under_unused_name(save, tmp_path, "a", "copy")
    assert (path.read_text(), saved) == ("whole", "saved")
    assert tried == [f"ts2s__a__copy_{n}.weights.h5" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("name", "task", "iteration", "is_snapshot"),
    [
        (None, "my__pairs.jsonl", 0, False),
        ("a_", "_b_", 2, True),
        ("my__net", "diff__abs:f", 3, False),
        ("ab", "c\nd%/~\x1b", 4, False),
        ("n" * 100, "t" * 300, 10**9, True),
        ("안 녕", "ä_" * 150, 1, True),
    ],
)
def test_every_name_is_parsed_back(tmp_path, name, task, iteration, is_snapshot):
    folder = tmp_path
    result = path = file_names.canonical_path(folder, name, task, iteration)
    if is_snapshot:
        path = file_names.snapshot_path(result)
        assert file_names.result_path(path) == result
    assert path.parent == folder
    assert len(os.fsencode(path.name)) <= 255
    path.touch()
    assert file_names.parse_task(path) == file_names.file_name_part(task)
    for kind, found in ((file_names.WEIGHTS, not is_snapshot), (file_names.SNAPSHOT, is_snapshot)):
        assert file_names.newest_first(folder, name or "basic", task, kind) == [path] * found
    following = file_names.canonical_path(folder, name, task, iteration + 1)
    assert next(file_names.unused_paths(folder, name, task)).name == following.name
    assert file_names.canonical_path(folder, name, f"{task}x", iteration) != result


def test_the_encoding_of_tasks_in_names_is_stable():
    for task in ("maxmin_dup", "running_sum", "pairs.jsonl", "my pairs (2).json", "Größe.txt"):
        assert file_names.file_name_part(task) == task
    assert file_names.file_name_part("mine:f") == "mine.f"
    assert file_names.file_name_part("../my__pairs\n_") == "..%2Fmy_%5Fpairs%0A%5F"
