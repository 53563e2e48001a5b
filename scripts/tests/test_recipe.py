"""The sets of pairs on which the recipe is developed and tested."""

import sets


def test_a_set_is_divided_into_parts_without_common_sources(tmp_path, monkeypatch):
    monkeypatch.setattr(sets, "SIZES", {"train": 3, "dev": 1})
    pairs = [("vnd", "und"), ("zu", "zu"), ("vnd", "in"), ("ab", "ab"), ("auff", "auf")]
    sets.write_set(tmp_path / "set", "characters characters", iter(pairs))
    train, dev = ((tmp_path / "set" / f"{part}.tsv").read_text().splitlines() for part in ("train", "dev"))
    assert (len(train), len(dev)) == (3, 1)
    assert sorted(train + dev) == ["ab\tab", "auff\tauf", "vnd\tund", "zu\tzu"]  # the first of two targets counts
