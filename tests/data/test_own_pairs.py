import hashlib
import tracemalloc

import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.batches import Pairs, Sample
from seq2seq_demo.data.own_pairs import OwnPairs, read_pairs
from seq2seq_demo.data.own_ragged_pairs import OwnRaggedPairs, task_of_rows
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.data.records import Located, Place
from seq2seq_demo.errors import InputError, UsageError


def test_own_pairs_are_divided_and_stay_together():
    sources = np.arange(30 * 3, dtype=np.uint8).reshape(30, 3)
    data = OwnPairs("mine", Pairs(sources, sources[:, :2] + 100))
    model, train = ModelConfig(in_max_int=89, out_max_int=200), TrainConfig(points=30, in_len=3, out_len=2)
    training, validation = data.draw(train, model)
    assert (len(training.sources), len(validation.sources)) == (27, 3)
    drawn = np.concatenate([training.sources, validation.sources])
    assert sorted(drawn.tolist()) == sources.tolist()
    assert drawn.tolist() != sources.tolist()  # a file that is sorted would give another validation set
    for part in (training, validation):
        assert (part.targets == part.sources[:, :2] + 100).all()


def test_own_pairs_have_to_be_as_the_configs_say():
    data = OwnPairs("mine", Pairs(np.full((30, 3), 8), np.full((30, 2), 7)))
    for model, train, message in [
        (ModelConfig(), TrainConfig(points=29, in_len=3, out_len=2), r"sources of shape \(29, 3\), got \(30, 3\)"),
        (ModelConfig(), TrainConfig(points=30, in_len=3, out_len=3), r"targets of shape \(30, 3\), got \(30, 2\)"),
        (ModelConfig(in_max_int=7), TrainConfig(points=30, in_len=3, out_len=2), "sources of symbols 0 to 7, got"),
        (ModelConfig(out_max_int=6), TrainConfig(points=30, in_len=3, out_len=2), "targets of symbols 0 to 6, got"),
    ]:
        with pytest.raises(UsageError, match=message):
            data.draw(train, model)


def test_a_checksum_of_own_data():
    def digest(sources, targets):
        return OwnPairs("mine", Pairs(np.array(sources, np.uint8), np.array(targets))).digest

    assert digest([[1, 2]], [[3]]) == digest([[1, 2]], [[3]])
    assert len({digest([[1, 2]], [[3]]), digest([[1, 2]], [[4]]), digest([[2, 1]], [[3]])}) == 3


def some_pairs(*sources):
    """Pairs of sources of 3 symbols and targets of 2."""
    sources = np.array(sources, np.uint8).reshape(-1, 3)
    return Pairs(sources, sources[:, :2] + 10)


def test_validation_counts_in_the_checksum():
    a, b, c = [1, 2, 3], [4, 5, 6], [7, 8, 9]
    tasks = [
        OwnPairs("mine", some_pairs(a, b, c)),
        OwnPairs("mine", some_pairs(a, b), some_pairs(c)),
        OwnPairs("mine", some_pairs(a), some_pairs(b, c)),
        OwnPairs("mine", some_pairs(a, b), some_pairs(a)),
        OwnPairs("mine", some_pairs(a, b)),
    ]
    assert len({task.digest for task in tasks}) == len(tasks)
    assert tasks[1].digest == OwnPairs("other name", some_pairs(a, b), some_pairs(c)).digest


def test_pairs_to_validate_with_are_drawn_as_they_are():
    data = OwnPairs("mine", some_pairs(*[[n, n, n] for n in range(30)]), some_pairs([1, 2, 3], [4, 5, 40]))
    assert data.largest_symbols() == {"in_max_int": 40, "out_max_int": 39}
    sized = data.sized(TrainConfig(points=1000), ModelConfig(), asked=None, default=None)
    assert (sized.points, sized.n_training, sized.n_validation, sized.in_len, sized.out_len) == (32, 30, 2, 3, 2)
    model = ModelConfig(in_max_int=40, out_max_int=39)
    training, validation = data.draw(sized, model)
    assert training.sources[:, 1].tolist() == list(range(30))  # an epoch has an order of its own
    assert validation.targets.tolist() == [[11, 12], [14, 15]]
    with pytest.raises(UsageError, match="expected sources of symbols 0 to 39, got some from 1 to 40"):
        data.draw(sized, ModelConfig(in_max_int=39, out_max_int=39))
    longer = OwnPairs("mine", data.pairs, Pairs(np.ones((2, 4), int), np.ones((2, 2), int)))
    with pytest.raises(UsageError, match=r"expected sources of shape \(2, 3\), got \(2, 4\)"):
        longer.draw(sized, model)


@pytest.mark.parametrize("validation", [Pairs([[1]], [[2]]), Pairs(np.ones((3, 2), int), np.ones((2, 2), int))])
def test_what_is_no_validation(validation):
    with pytest.raises(InputError, match=r"expected (sources|as many)"):
        OwnPairs("mine", some_pairs([1, 2, 3]), validation)


def test_a_task_of_own_pairs_tells_its_sizes():
    data = OwnPairs("mine", Pairs(np.array([[0, 8, 1]] * 30), np.array([[0, 0]] * 30)))
    assert data.largest_symbols() == {"in_max_int": 8, "out_max_int": 1}  # a network has two symbols at least
    sized = data.sized(TrainConfig(points=1000), ModelConfig(), asked=None, default=None)
    assert (sized.points, sized.in_len, sized.out_len) == (30, 3, 2)


def test_own_pairs_are_held_out_as_they_are():
    sources = np.arange(30).reshape(10, 3)
    data = OwnPairs("mine", Pairs(sources, sources[:, ::-1]))
    model = ModelConfig(in_max_int=29, out_max_int=29)
    pairs = data.held_out(Sample(4, 99, None, 0), model, None)
    assert pairs.sources.tolist() == sources[:4].tolist()
    assert pairs.targets.tolist() == sources[:4, ::-1].tolist()
    assert len(data.held_out(Sample(1000, 3, None, 0), model, None).sources) == 10
    with pytest.raises(UsageError, match="expected sources of symbols 0 to 9, got some from 0 to 11"):
        data.held_out(Sample(4, 3, None, 0), ModelConfig(out_max_int=29), None)
    with pytest.raises(UsageError, match="expected targets of symbols 0 to 9, got some from 0 to 11"):
        data.held_out(Sample(4, 3, None, 0), ModelConfig(in_max_int=29), None)


def pairs(*rows, pattern=None, **known):
    located = [Located(Place("", "line", k), *row) for k, row in enumerate(rows, start=1)]
    return read_pairs(located, pattern, **known)


@pytest.mark.parametrize("kind", [np.matrix, np.memmap])
def test_pairs_of_another_class_of_array_are_those_of_an_array(kind):
    sources = np.array([[1, 2], [3, 4]], np.uint64).view(kind)
    data = OwnPairs("mine", Pairs(sources, np.array([[5], [6]])))
    assert [type(symbols) for symbols in data.pairs] == [np.ndarray] * 2
    assert data.pairs.sources[0].tolist() == [1, 2]
    assert data.digest == OwnPairs("mine", Pairs(np.array([[1, 2], [3, 4]]), np.array([[5], [6]]))).digest


def test_the_checksum_takes_little_memory():
    pairs = Pairs(np.zeros((500_000, 9), np.uint8), np.zeros((500_000, 1), np.uint8))
    data = OwnPairs("mine", pairs)
    tracemalloc.start()
    digest = data.digest
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    assert digest == hashlib.sha256(bytes(500_000 * 10 * 8)).hexdigest()  # as snapshots keep it


def test_pairs():
    sources, targets = pairs(([1, 2, 300], [4, 5]), ([6, 7, 8], [9, 0]))
    assert sources.tolist() == [[1, 2, 300], [6, 7, 8]]
    assert targets.tolist() == [[4, 5], [9, 0]]
    assert (sources.dtype, targets.dtype) == (np.uint16, np.uint8)


def test_pairs_of_a_pattern():
    running_sum = find_pattern("running_sum")
    _, targets = pairs(([1, 2, 4],), ([4, 4, 4], [4, 3, 2]), pattern=running_sum)  # modulo 5, of the largest symbol
    assert targets.tolist() == [[1, 3, 2], [4, 3, 2]]
    _, targets = pairs(([1, 2, 4],), pattern=running_sum, in_max_int=9, out_max_int=5, out_len=2)
    assert targets.tolist() == [[1, 3]]
    with pytest.raises(InputError, match=r"line 2: expected the output of 'running_sum', \[4, 3, 2\], got \[4, 3, 1\]"):
        pairs(([1, 2, 4],), ([4, 4, 4], [4, 3, 1]), pattern=running_sum)


@pytest.mark.parametrize(
    ("second", "known", "message"),
    [
        (([1, 2], [3, 4]), {}, "line 2: expected 3 integers, got 2$"),
        (([1, 2, 3], [3]), {}, "line 2, output: expected 2 integers, got 1$"),
        (([1, 2, 3],), {}, r"line 2: expected an output too, as in {.*}, or a pattern \(-p\) that makes it"),
        (([1, 2, 3], [4, 9]), {"out_max_int": 8}, "line 2, output: expected integers from 0 to 8, got 9"),
        (([1, 2, 3], [4, 9]), {"in_max_int": 2}, "line 2: expected integers from 0 to 2, got 3"),
        (([1, 2, 3], [4, 9]), {"in_len": 4}, "line 1: expected 4 integers, got 3; for sequences of that length give"),
        (([1, 2, 3], [4, 9]), {"out_len": 3}, "line 1, output: expected 3 integers, got 2"),
        (([1, 2, 2**31], [4, 9]), {}, "line 2: expected integers from 0 to 2147483647, got 2147483648"),
    ],
)
def test_what_is_no_pair(second, known, message):
    with pytest.raises(InputError, match=message):
        pairs(([1, 2, 0], [3, 4]), second, **known)


def test_pairs_of_a_pipe():
    located = [Located(Place("", "line", 1), [1, 2], [3]), None, Located(Place("", "line", 2), [4, 5], [6]), None]
    sources, targets = read_pairs(located)
    assert sources.tolist() == [[1, 2], [4, 5]]
    assert targets.tolist() == [[3], [6]]
    with pytest.raises(InputError, match="expected pairs of a source and a target, got none"):
        read_pairs([None])


def test_pairs_of_rows():
    sources, targets = task_of_rows([([1, 2], (3,)), (np.array([4, 5]), [np.uint8(6)])]).pairs
    assert sources.tolist() == [[1, 2], [4, 5]]
    assert targets.tolist() == [[3], [6]]
    for row, message in [
        (([4, 5],), r"pairs, row 1: expected a source and a target, as zip gives them, got \(\[4, 5\],\)"),
        (([4, 5], 6), "pairs, row 1, output: expected a list of integers, got 6"),
        (([4, 0.5], [6]), "pairs, row 1: expected integers from 0 to 2147483647, got 0.5"),
        (
            ([4, np.timedelta64(5, "ns")], [6]),
            "pairs, row 1: expected integers from 0 to 2147483647, got .*timedelta64",
        ),
        ((np.array([4, 5], "m8[ns]"), [6]), r"pairs, row 1: expected a list of integers, got array\(\[4, 5\], dtype"),
        ((np.array([4, 5], "M8[ns]"), [6]), "pairs, row 1: expected a list of integers, got array"),
        (
            (np.ma.array([4, 5]), [6]),
            r"pairs, row 1: expected a list of integers, got masked_array\(data=\[4, 5\], mask",
        ),
        (([4, np.ma.masked], [6]), "pairs, row 1: expected integers from 0 to 2147483647, got masked"),
        ((np.array(5), [6]), "pairs, row 1: expected a list of integers, got 5$"),
        ("45", "pairs, row 1: expected a source and a target, as zip gives them, got '45'"),
    ]:
        with pytest.raises(InputError, match=message) as error:
            task_of_rows([([1, 2], [3]), row])
        assert "\n" not in str(error.value)


def test_rows_of_different_lengths():
    task = task_of_rows([([1, 2], [3]), ([4], [5, 6, 7]), ([8, 9, 10], [])])
    assert isinstance(task, OwnRaggedPairs)
    assert task.pairs.sources.rows() == [[1, 2], [4], [8, 9, 10]]
    assert task.pairs.targets.rows() == [[3], [5, 6, 7], []]


@pytest.mark.parametrize(
    "pairs",
    [
        Pairs(np.zeros((0, 2), int), np.zeros((0, 2), int)),
        Pairs([[1]], [[2]]),
        Pairs(np.ones((3, 2)), np.ones((3, 2), int)),
        Pairs(np.ones((3, 2), int), np.ones((2, 2), int)),
        Pairs(np.ma.ones((3, 2), int), np.ones((3, 2), int)),
        Pairs(np.ones((3, 2), int), np.ones((3, 2), "m8[s]")),
        Pairs(np.ones((3, 2), [("a", int)]), np.ones((3, 2), int)),
        Pairs(np.ones((3, 2), object), np.ones((3, 2), int)),
    ],
)
def test_arrays_that_are_no_pairs(pairs):
    with pytest.raises(InputError, match=r"expected (sources|as many)"):
        OwnPairs("mine", pairs)
