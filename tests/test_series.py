import os

from seq2seq_demo import series


def touch(folder, name, time):
    (folder / name).write_text("")
    os.utime(folder / name, (time, time))


def test_canonical_path(tmp_path):
    assert series.canonical_path(tmp_path, None, "sorted", 3) == tmp_path / "ts2s__basic__sorted_3.weights.h5"
    assert series.canonical_path(tmp_path, "a b", "maxmin_dup", 0).name == "ts2s__a b__maxmin_dup_0.weights.h5"


def test_next_unused_path(tmp_path):
    assert series.next_unused_path(tmp_path, None, "sorted").name == "ts2s__basic__sorted_1.weights.h5"
    for name in ("basic__sorted_2", "basic__sorted_10", "other__sorted_12", "basic__reversed_13"):
        touch(tmp_path, f"ts2s__{name}.weights.h5", 1)
    assert series.next_unused_path(tmp_path, None, "sorted").name == "ts2s__basic__sorted_11.weights.h5"
    assert series.next_unused_path(tmp_path, "other", "sorted").name == "ts2s__other__sorted_13.weights.h5"


def test_newest_first(tmp_path):
    touch(tmp_path, "ts2s__basic__maxmin_dup_1.weights.h5", 30)
    touch(tmp_path, "ts2s__my__net__sorted_2.weights.h5", 20)
    touch(tmp_path, "ts2s__basic__sorted_7.weights.h5", 10)
    touch(tmp_path, "ts2s__basic__sorted_8.weights.h5", 10)
    touch(tmp_path, "weights.h5", 40)

    def names(**which):
        return [path.name[6:-11] for path in series.newest_first(tmp_path, which.get("name"), which.get("pattern"))]

    assert names() == ["basic__maxmin_dup_1", "my__net__sorted_2", "basic__sorted_8", "basic__sorted_7"]
    assert names(pattern="sorted") == ["my__net__sorted_2", "basic__sorted_8", "basic__sorted_7"]
    assert names(name="my__net") == ["my__net__sorted_2"]
    assert names(name="basic", pattern="maxmin_dup") == ["basic__maxmin_dup_1"]
    assert series.newest_first(tmp_path / "none", None, None) == []
