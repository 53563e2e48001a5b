from dataclasses import replace

import numpy as np
import pytest
from helpers import peak_memory

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pattern_task import MAX_SOURCES_PER_CALL, SequencePattern, find_pattern
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.data.sampling import training_sources
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.data.user_functions import per_sequence as each
from seq2seq_demo.errors import UsageError

MODEL, ENDING = ModelConfig(), ModelConfig(ends=True)
EVEN = SequencePattern("even", each(lambda source: [symbol for symbol in source if symbol % 2 == 0]))


# ---- Points ----


def test_points_of_one_length():
    train = TrainConfig(points=50, in_len=7, out_len=4, seed=3)
    training, validation = find_pattern("reversed").draw(train, MODEL)
    assert training.sources.array().shape == (45, 7)
    assert validation.targets.array().shape == (5, 4)
    for part in (training, validation):
        assert (part.targets.array() == part.sources.array()[:, :2:-1]).all()


@pytest.mark.parametrize("pattern", [find_pattern("sorted"), find_pattern("added"), EVEN], ids=lambda p: p.name)
def test_points_are_drawn_evenly_from_the_valid_lengths(pattern):
    config = pattern.sized(TrainConfig(6000, 8, min_in_len=3, few_symbols=0.25), ENDING, None, None)
    training, validation = pattern.draw(config, ENDING)
    assert (len(training), len(validation) > 500) == (5400, True)
    lengths, counts = np.unique(training.sources.lengths, return_counts=True)
    assert lengths.tolist() == ([4, 6, 8] if pattern.name == "added" else [3, 4, 5, 6, 7, 8])
    assert counts.min() > 0.8 * 5400 / len(lengths)
    for source, target in zip(training.sources.rows()[:50], training.targets.rows()[:50], strict=True):
        assert pattern.targets_of(Sequences.of_rows([source]), 9).rows() == [target]


@pytest.mark.parametrize("model", [MODEL, ENDING])
def test_points_depend_on_the_seed_and_the_start_step(model):
    def sources(seed, start_step):
        train = TrainConfig(points=50, min_in_len=5 if model.ends else None, seed=seed)
        return find_pattern("sorted").draw(train, model, start_step)[0].sources.rows()

    assert sources(1, 0) == sources(1, 0) != sources(2, 0)
    assert sources(1, 0) != sources(1, 8)  # continuing draws new points


def test_patterns_without_a_valid_length_report_why():
    config = TrainConfig(60, 9, min_in_len=9)
    mixes_rows = SequencePattern("f", lambda sources: [row[: row.max() + 1 - sources.min()] for row in sources])
    too_large = SequencePattern("f", each(lambda source: source[:3] + 1))
    for pattern, message in (
        (find_pattern("added"), "does not take sources of length 9: expected an even length"),
        (mixes_rows, "expected it to compute each target from only its source"),
        (too_large, "expected symbols from 0 to `out_max_int` 9, got 10"),
    ):
        with pytest.raises(UsageError, match=message):
            pattern.lengths_taken(config, ENDING)


def test_the_fingerprint_covers_all_lengths():
    config = TrainConfig(60, 6, min_in_len=2)
    other = SequencePattern("even", lambda sources: EVEN.function(sources) if sources.shape[1] < 6 else sources)
    assert EVEN.fingerprint(config, ENDING) == EVEN.fingerprint(config, ENDING)
    assert EVEN.fingerprint(config, ENDING) != other.fingerprint(config, ENDING)


def test_fingerprints_match_those_in_snapshots_of_0_2_0():
    config = TrainConfig(60, 6, 4)
    assert find_pattern("sorted").fingerprint(config, MODEL).startswith("9b2b7539e9746fe6")
    assert EVEN.fingerprint(TrainConfig(60, 6, min_in_len=2), ENDING).startswith("609f5fe05f1c875d")


# ---- Calls and checks of the function ----


def test_many_sources_are_split_into_several_calls():
    sources = np.random.default_rng(1).integers(0, 10, (MAX_SOURCES_PER_CALL + 3, 2))
    seen = []
    pattern = SequencePattern("f", lambda x: seen.append(len(x)) or x[:, ::-1])
    assert (pattern.targets(sources, None, 9) == sources[:, ::-1]).all()
    assert seen == [MAX_SOURCES_PER_CALL, 3]


@pytest.mark.parametrize("name", ["sorted", "maxmin_dup", "running_sum"])
@pytest.mark.slow
def test_checking_long_sources_takes_little_memory(name):
    pattern = find_pattern(name)
    peak, length = peak_memory(lambda: pattern.check(1_000_000, None, 9, 9))
    assert length == 1_000_000
    assert peak < 250e6  # 250 bytes per symbol of a source


@pytest.mark.parametrize(
    ("name", "lengths", "message"),
    [
        ("sorted", (10, 11, 9, 9), "`out_len` can be at most 10, got 11"),
        ("sorted", (3, None, 12, 9), r"expected symbols from 0 to `out_max_int` 9, got 12 for \[12, 12, 12\]"),
        ("maxmin_dup", (1, 1, 9, 9), "does not take sources of length 1: expected at least 2"),
    ],
)
def test_unsuitable_lengths_and_symbols_are_refused(name, lengths, message):
    with pytest.raises(UsageError, match=message):
        find_pattern(name).check(*lengths)


def changes_its_input(x):
    x[:, 0] = 0
    return x.copy()


def fails_on_nines(x):
    if 9 in x:
        raise RuntimeError("no nines")
    return x


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x[0], r"of shape \(32, T\) for sources of shape \(32, 3\), got int64 of shape \(3,\)"),
        (lambda x: x[:, :0], r"got int64 of shape \(32, 0\)"),
        (lambda x: None, r"got None \(is a `return` missing\?\); the first source is \[0, 0, 0\]"),
        (lambda x: x / 1, r"got float64 of shape \(32, 3\); the first source is \[0, 0, 0\]"),
        (changes_its_input, r"expected it to leave its input unchanged, got \[9, 9, 9\] and then \[0, 9, 9\]"),
        (lambda x: np.random.default_rng().integers(0, 10, x.shape), "to return the same targets twice, got"),
        (lambda x: np.sort(x, axis=0), "to compute each target from only its source, as with @per_sequence, got"),
        (lambda x: [[1, 2], [3]], r"'f': expected integers of shape \(32, T\) for .* got list \[\[1, 2\], \[3\]\]"),
        (fails_on_nines, "'f' does not take sources of length 3: RuntimeError: no nines"),
        (each(lambda s: s[: 1 + s[0]]), "targets of one length, got 1 to 3 symbols; .* `in_len`, from 1 to 3$"),
        (each(lambda s: 3), r"'f' .*: expected a list of integers, got int 3, for \[0, 0, 0\]$"),
        (each(lambda s: [[1, 2], [3]]), "'f' does not take sources of length 3: .*inhomogeneous"),
        (each(fails_on_nines), r"RuntimeError: no nines, for \[9, 9, 9\]"),
        # NumPy would convert all of these to integers.
        (np.ma.array, "'f' .*: expected integers, got a masked array$"),
        (lambda x: x.astype("m8[s]"), r"'f': expected integers .*, got timedelta64\[s\] of shape"),
        (each(lambda s: [s[0], np.timedelta64(1, "ns")]), r"'f': expected integers .*, got timedelta64\[ns\] of "),
        (lambda x: x.astype(object), r"'f': expected integers .*, got object of shape"),
    ],
)
def test_invalid_functions_are_reported_with_a_source(function, message):
    with pytest.raises(UsageError, match=message) as error:
        SequencePattern("f", function).check(3, None, 9, 9)
    assert str(error.value).startswith("pattern 'f'")
    assert "\n" not in str(error.value)


def test_a_function_that_exits_is_a_usage_error():
    def fails(x):
        raise SystemExit(3)

    with pytest.raises(UsageError, match=r"'f' does not take sources of length 3: SystemExit: 3$"):
        SequencePattern("f", fails).check(3, None, 9, 9)


def test_keyboard_interrupts_pass_through():
    def interrupted(x):
        raise KeyboardInterrupt

    for function in (interrupted, each(interrupted)):
        with pytest.raises(KeyboardInterrupt):
            SequencePattern("f", function).check(3, None, 9, 9)


def test_long_lists_are_shortened_in_errors():
    for function in (lambda x: x + 1, lambda x: x / 2, each(lambda s: s[: s[0]]), lambda x: x[0]):
        with pytest.raises(UsageError) as error:
            SequencePattern("f", function).check(1000, None, 9, 9)
        assert len(str(error.value)) < 500


def test_too_large_symbols_are_refused():
    for largest in [(2**31, 9), (9, 10**5000)]:
        with pytest.raises(UsageError, match="expected `in_max_int` and `out_max_int` of at most 2147483647, got a"):
            find_pattern("sorted").check(3, None, *largest)
    assert {find_pattern(name).check(4, 3, 9, 2**31 - 1) for name in PATTERNS} == {3, 4}


def test_invalid_targets_are_detected_when_points_are_drawn():
    pattern = SequencePattern("f", lambda x: np.where(x == [[4, 5, 6]], 77, x))
    with pytest.raises(UsageError, match=r"got 77 for \[1, 5, 2\]"):
        pattern.targets(np.array([[1, 2, 3], [1, 5, 2]]), None, 9)


def test_training_sources_do_not_validate_unless_there_are_no_others():
    config = TrainConfig(points=2000, in_len=3, out_len=3)
    training, validation = find_pattern("reversed").draw(config, ModelConfig())
    trained = {*map(tuple, training.sources.rows())}
    drawn = training_sources(config, ModelConfig(), [3], 0).rows()
    assert training.sources.rows() == drawn[:1800]
    assert validation.sources.rows() == [row for row in drawn[1800:] if tuple(row) not in trained]
    assert 0 < len(validation) < 100
    assert validation.targets.rows() == [row[::-1] for row in validation.sources.rows()]
    exhausted = replace(config, in_len=1, out_len=1)
    assert len(find_pattern("reversed").draw(exhausted, ModelConfig())[1]) == 200


@pytest.mark.parametrize("name", ["", "reversed", 5, True, b"x"])
def test_empty_and_built_in_names_are_refused(name):
    with pytest.raises(UsageError, match=f"a text, not empty and not built-in, got {name!r}"):
        SequencePattern(name, lambda x: x)
