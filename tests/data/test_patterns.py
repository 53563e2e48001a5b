import hashlib
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pattern_task import PatternTask
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.sampling import training_sources
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.errors import UsageError

MODEL, ENDING = ModelConfig(), ModelConfig(ends=True)
SOURCES = [[3, 1, 4, 1, 5, 9, 2, 8], [7, 8, 0, 6, 2, 2, 5, 9]]
TARGETS = {
    "sorted": [[1, 1, 2, 3, 4, 5, 8, 9], [0, 2, 2, 5, 6, 7, 8, 9]],
    "reversed": [[8, 2, 9, 5, 1, 4, 1, 3], [9, 5, 2, 2, 6, 0, 8, 7]],
    "maxmin_dup": [[9, 1, 4, 1, 5, 9, 2, 8], [9, 0, 0, 6, 2, 2, 5, 9]],
    "copy": SOURCES,
    "rotated": [[1, 4, 1, 5, 9, 2, 8, 3], [8, 0, 6, 2, 2, 5, 9, 7]],
    "running_sum": [[3, 4, 8, 9, 4, 3, 5, 3], [7, 5, 5, 1, 3, 5, 0, 9]],
    "added": [[0, 9, 0, 6, 9], [1, 0, 0, 6, 5]],  # 3141 + 5928, 7806 + 2259
}
EVEN = PatternTask("even", lambda source: [symbol for symbol in source if symbol % 2 == 0])


def targets(pattern, sources, out_len=None, out_max_int=9, ends=True):
    return pattern.targets_of(Sequences.of_rows(sources), out_max_int, out_len, ends).rows()


# ---- The built-in patterns ----


@pytest.mark.parametrize("out_len", [None, 4, 1])
def test_the_targets_of_built_in_patterns(out_len):
    for name, expected in TARGETS.items():
        assert targets(find_pattern(name), SOURCES, out_len) == [target[:out_len] for target in expected]
    assert targets(find_pattern("running_sum"), [[3, 4, 4, 1]], out_len, 6) == [[3, 0, 4, 5][:out_len]]


# ---- Points ----


@pytest.mark.parametrize("pattern", [find_pattern("sorted"), find_pattern("added"), EVEN], ids=lambda p: p.name)
def test_points_are_drawn_evenly_from_the_valid_lengths(pattern):
    config = TrainConfig(3000, 8, min_in_len=3, few_symbols=0.25)
    training, validation = pattern.draw(config, ENDING)
    assert (len(training), len(validation) > 250) == (2700, True)
    lengths, counts = np.unique(training.sources.lengths, return_counts=True)
    assert lengths.tolist() == ([4, 6, 8] if pattern.name == "added" else [3, 4, 5, 6, 7, 8])
    assert counts.min() > 0.8 * 2700 / len(lengths)
    assert training.targets.rows() == [[*pattern.function(source)] for source in training.sources.rows()]


def test_points_and_fingerprints_are_those_of_earlier_versions():
    """A training run that is repeated gives the same bits, and snapshots of 0.2.0 resume."""
    config = TrainConfig(60, 6, 4)
    assert find_pattern("sorted").fingerprint(config, MODEL).startswith("9b2b7539e9746fe6")
    ranged = replace(config, min_in_len=2, few_symbols=0.25)
    assert EVEN.fingerprint(ranged, ENDING).startswith("609f5fe05f1c875d")
    digest = hashlib.sha256()
    for pattern, model, settings in ((find_pattern("running_sum"), MODEL, config), (EVEN, ENDING, ranged)):
        for pairs in pattern.draw(settings, model, start_step=7):
            for sequences in (pairs.sources, pairs.targets):
                assert sequences.symbols.dtype == np.uint8
                digest.update(sequences.symbols.tobytes() + sequences.lengths.tobytes())
    assert digest.hexdigest()[:16] == "1d57042f496625fd"


def test_training_sources_do_not_validate_unless_there_are_no_others():
    config = TrainConfig(points=2000, in_len=3, out_len=3)
    training, validation = find_pattern("reversed").draw(config, MODEL)
    trained = {*map(tuple, training.sources.rows())}
    drawn = training_sources(config, MODEL, [3], 0).rows()
    assert validation.sources.rows() == [row for row in drawn[1800:] if tuple(row) not in trained]
    exhausted = replace(config, in_len=1, out_len=1)
    assert len(find_pattern("reversed").draw(exhausted, MODEL)[1]) == 200


# ---- Checks of a function ----


def changes_its_argument(source):
    source.sort()
    return source


def test_a_function_returns_any_iterable_of_integers():
    """`sorted` is written in C."""
    for function in (changes_its_argument, sorted, np.sort, lambda source: iter(sorted(source))):
        assert PatternTask("f", function).check(3, (9, 9)) == 3
        assert targets(PatternTask("f", function), SOURCES) == TARGETS["sorted"]


CALLS = iter(range(10**6))


def exits(source):
    raise SystemExit(3)


def fails_on_nines(source):
    if 9 in source:
        raise RuntimeError("no nines")
    return source


NO_LIST = r", source \[0, 0, 0\]: expected a list of integers, got"


def test_invalid_functions_are_reported_with_a_source():
    for function, message in [
        (lambda s: None, rf"{NO_LIST} None \(is a `return` missing\?\)$"),
        (lambda s: "012", rf'{NO_LIST} str "012"$'),
        (lambda s: [1.0, 2], rf"{NO_LIST} list \[1.0, 2\]$"),
        (lambda s: [x + 1 for x in s], r"source \[9, 9, 9\]: expected symbols from 0 to `out_max_int` 9, got 10$"),
        (lambda s: [1, -1], r"source \[0, 0, 0\]: expected symbols from 0 to `out_max_int` 9, got -1$"),
        (lambda s: [next(CALLS) % 10], r"\[0, 0, 0\]: expected the same target twice, got \[0\] and then \[2\]$"),
        (lambda s: s[: 1 + s[0]], "'f': expected targets of one length, got 1-3 symbols; to .* range of lengths"),
        (fails_on_nines, r"source \[9, 9, 9\]: RuntimeError: no nines$"),
        (exits, r"source \[0, 0, 0\]: SystemExit: 3$"),
    ]:
        with pytest.raises(UsageError, match=message) as error:
            PatternTask("f", function).check(3, (9, 9))
        assert str(error.value).startswith("pattern 'f'")
        assert "\n" not in str(error.value)


def test_unsuitable_lengths_and_symbols_are_refused():
    for out_len, largest, message in [
        (4, (9, 9), "`out_len` can be at most 3, got 4"),
        (None, (12, 9), r"source \[12, 12, 12\]: expected symbols from 0 to `out_max_int` 9, got 12"),
        (None, (2**31, 9), "`in_max_int` and `out_max_int` can be at most 2147483647"),
    ]:
        with pytest.raises(UsageError, match=message):
            find_pattern("sorted").check(3, largest, out_len=out_len)


def test_lengths_that_a_pattern_does_not_take_are_left_out_of_a_range():
    assert find_pattern("added").lengths_taken(ENDING, range(5, 10)) == {6: 4, 8: 5}
    with pytest.raises(UsageError, match=r"pattern 'added', source \[0, .*\]: expected an even length"):
        find_pattern("added").lengths_taken(ENDING, [9])
    with pytest.raises(UsageError, match=r"'f', source .*: expected symbols from 0 to `out_max_int` 9, got 10$"):
        PatternTask("f", lambda s: [len(s)]).lengths_taken(ENDING, range(8, 13))


# ---- Functions of a user ----

OWN = '''
from neighbour import FIRST
def doubled(source):
    """Twice, with carries lost.
    More."""
    return [2 * x % 10 for x in source]
NUMBER = 3
'''

MODERN = """
from __future__ import annotations
from dataclasses import dataclass
@dataclass  # needs the module
class Shift:
    n: int = 1
def f(source):
    return source[::-Shift().n]
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "my_patterns.py").write_text(OWN)
    (tmp_path / "lib" / "neighbour.py").write_text("FIRST = 1\ndef f(source):\n    return source[1:]\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "exiting.py").write_text("import sys; sys.exit(3)\n")
    (tmp_path / "json.py").write_text(MODERN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])


def test_functions_from_files_and_modules(own):
    pattern = find_pattern("lib/my_patterns.py:doubled")
    assert (pattern.name, pattern.description) == ("my_patterns:doubled", "Twice, with carries lost.")
    assert targets(pattern, [[200, 3]]) == [[0, 6]]
    pattern = find_pattern("lib.neighbour:f")
    assert (pattern.name, pattern.check(4, (9, 9))) == ("neighbour:f", 3)


def test_functions_that_cannot_be_loaded_are_errors(own):
    for name, message in [
        ("none.py:f", "none.py cannot be imported: FileNotFoundError: "),
        ("lib/my_patterns.py:g", "lib/my_patterns.py has no function 'g'"),
        ("lib/my_patterns.py:NUMBER", "lib/my_patterns.py has no function 'NUMBER'"),
        ("broken.py:f", r"broken.py cannot be imported: SyntaxError: .* \(broken.py, line 1\)"),
        ("no_such_module:f", "no_such_module cannot be imported: ModuleNotFoundError"),
        ("exiting.py:f", "exiting.py cannot be imported: SystemExit: 3"),
    ]:
        with pytest.raises(UsageError, match=message) as error:
            find_pattern(name)
        assert "\n" not in str(error.value)


def test_a_loaded_file_hides_no_other_module(own):
    pattern = find_pattern("json.py:f")
    assert (pattern.name, pattern.check(3, (9, 9))) == ("json:f", 3)
    assert sys.modules["json"] is json
