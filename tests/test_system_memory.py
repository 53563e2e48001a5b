import os

import pytest

from seq2seq_demo import system_memory

PHYSICAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([], PHYSICAL),
        (["1000000\n"], 1_000_000),
        (["max\n", "2000000\n"], 2_000_000),
        ([f"{2**63 - 4096}\n"], PHYSICAL),  # no limit, in version 1 of control groups
        (["0\n"], PHYSICAL),
        ([""], PHYSICAL),
    ],
)
def test_total_is_the_smaller_of_physical_memory_and_container_limits(tmp_path, monkeypatch, limits, expected):
    paths = [str(tmp_path / name) for name in ("none", "a", "b")]
    for path, limit in zip(paths[1:], limits, strict=False):
        with open(path, "w") as file:
            file.write(limit)
    monkeypatch.setattr(system_memory, "CGROUP_LIMITS", paths)
    assert system_memory.total() == expected
