import functools
import operator
import re

import numpy as np
import pytest
from helpers import ROOT
from rapidfuzz.distance import Levenshtein

from seq2seq_demo import load

LESSON = ROOT / "seq2seq_demo" / "docs" / "LESSON.md"
TEXT = LESSON.read_text()
DOCUMENTS = " ".join(((LESSON.parent / "TEACHING.md").read_text() + TEXT).split())


def test_the_stated_sizes_add_up_to_the_weights_of_the_network():
    rows = re.findall(r"^\| (.+) \| ([\d ×()+]+) \| ([\d,]+) \|$", TEXT, re.MULTILINE)
    for name, size, number in rows:
        assert eval(size.replace("×", "*")) == int(number.replace(",", "")), name
    total = sum(int(number.replace(",", "")) for _, _, number in rows)
    assert total == load("reversed-attention").n_weights
    assert f"sum is {total:,}" in TEXT


def stated(pattern):
    """All numbers in the groups of a pattern that a document matches."""
    groups = " ".join(re.search(pattern, DOCUMENTS).groups())
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", groups)]


def random_sources(n_digits):
    return np.random.default_rng(n_digits).integers(0, 10, (2000, n_digits)).tolist()


@functools.cache
def wrong_answers(name, n_digits):
    """The wrong answers of a network to 2,000 random sources that it should reverse, with their sources."""
    pairs = zip(load(name).predict(random_sources(n_digits)), random_sources(n_digits), strict=True)
    return [(answer, source) for answer, source in pairs if answer != source[::-1]]


def exact_matches(names, n_digits):
    """The share of the random sources that each network reverses, in %."""
    return pytest.approx([100 - len(wrong_answers(name, n_digits)) / 20 for name in names], abs=1)


loaded = functools.cache(load)


def written(name, source, forced=None):
    """The symbols that a network writes, up to END, with symbols forced at some outputs."""
    network, symbols = loaded(name), []
    numpy_network = network.to_numpy()
    state, fed = numpy_network.start(np.array([source])), 10
    while len(symbols) <= network.answer_len(len(source)) and 10 not in symbols:
        state, logits, _ = numpy_network.step(np.array([fed]), state)
        fed = (forced or {}).get(len(symbols), int(logits.argmax()))
        symbols.append(fed)
    return symbols if 10 in symbols else symbols[:-1]


def edits(symbols, source):
    return Levenshtein.distance(symbols, [*source[::-1], 10])


pytestmark = pytest.mark.filterwarnings("ignore:The network was trained on length")
LENGTHS = ("reversed-attention", "long-rnn")  # with and without


@pytest.mark.slow
def test_the_exercise_on_the_bottleneck_holds_for_all_stated_lengths():
    source, networks = stated(r"Source: `([\d ]+)`, twenty digits"), [*map(load, LENGTHS)]
    assert [network.trained_lengths for network in networks] == [range(1, 21)] * 2
    sizes = [size for one in reversed(networks) for size in (one.n_weights, 2 * one.model_config.cell_size)]
    assert stated(r"([\d,]+) weights and a state of (\d+) numbers, against ([\d,]+) and (\d+)") == sizes
    attention, rnn = (network.predict([source[:n] for n in range(20, 15, -1)]) for network in networks)
    assert stated(r"attention writes ([\d* ]+) instead of ([\d* ]+):") == [*rnn[0], *attention[0]]
    assert edits([*rnn[0], 10], source) == 2 and attention[0] == source[::-1]
    assert [*map(operator.eq, rnn, attention)] == [False] * 4 + [True]
    table = stated(r"digits ((?:\| \d+ )+).*?with attention ((?:\| \d+ % )+).*?without ((?:\| \d+ % )+)")
    for n_digits, *shares in np.reshape(table, (3, -1)).T.tolist():
        assert shares == exact_matches(LENGTHS, n_digits)


@pytest.mark.slow
def test_attention_does_not_help_beyond_the_lengths_in_training():
    source = stated(r"Source: `([\d ]+)`, 25 digits")
    n_wrong = [sum(map(operator.ne, written(name, source), [*source[::-1], 10])) for name in LENGTHS]
    assert stated(r"in more positions: (\d+) of 26, against (\d+)\.") == n_wrong
    for n_digits, shares in (
        (22, r"(\d+) %, and .*? on (\d+) %"),
        (24, r"(\d+) and (\d+) %"),
        (25, r"(\d+) and (\d+) %"),
    ):
        assert stated(rf"\b{n_digits}(?: digits)?,(?: it is right)? on {shares}") == exact_matches(LENGTHS, n_digits)


@pytest.mark.slow
def test_the_exercises_for_a_class_state_the_answers_after_forcing():
    for name in LENGTHS:
        symbols = written(name, [3, 1, 4, 1, 5, 9], {0: 5})
        n_wrong = {1: "one symbol wrong", 4: "four"}[sum(map(operator.ne, symbols, [9, 5, 1, 4, 1, 3, 10]))]
        assert f"ttention: 5 **{' '.join(map(str, symbols[1:-1]))}**, {n_wrong}." in DOCUMENTS


def test_eight_wrong_positions_are_one_edit():
    *source, forced, n_places, n = stated(
        r"`reversing.html` with ([\d ]+) and a forced (\d): .*?, (\d+) of (\d+) positions"
    )
    symbols = written("reversed-attention", source, {0: forced})
    assert [n_places, n] == [sum(map(operator.ne, symbols, [*source[::-1], 10, None])), len(symbols)]
    assert edits(symbols, source) == 1 and "positions differ, but one edit is enough" in DOCUMENTS


@pytest.mark.slow
def test_one_error_under_teacher_forcing_leads_to_many_free_running():
    source = stated(r"8\. Exposure bias \(R\)\*\* Source: `([\d ]+)`")
    target = [*source[::-1], 10]
    taught = load("long-rnn").to_numpy().decode(np.array([source]), 21, np.array([[10, *target[:-1]]])).symbols[0]
    free = written("long-rnn", source)
    (t,) = np.flatnonzero(taught != target)
    assert written("long-rnn", source, {t: target[t]}) == target
    places, first = sum(map(operator.ne, [*free, None], target)), [t + 1, taught[t], target[t]]
    error = r"the (\d+)th output is a (\d) instead of a (\d)\."
    assert stated(rf"{error} How many.*? (\d+) of 21 positions differ, and (\d+)") == [
        *first,
        places,
        edits(free, source),
    ]


@pytest.mark.slow
def test_the_pronunciations_of_the_exercises_are_those_of_each_beam():
    rows = re.findall(r"\| ([a-z]+) \| ([A-Z ]+) \| ([A-Z ]+) \| ([A-Z ]+) \|", DOCUMENTS)
    for word, *answers in rows:
        assert [load("g2p").predict([word], beam_size=size)[0] for size in (1, 2, 3, 5)] == [*answers, answers[-1]]
    though, cafe = load("g2p").predict(["though", "cafe"], details=True)
    shares = f"{though.prediction} (a probability of {100 * though.probability:.0f} %) instead of DH OW, and "
    shares += f"{cafe.prediction} ({100 * cafe.probability:.1f} %)"
    assert shares in DOCUMENTS and len(rows) == 3


def test_the_answers_beyond_training_are_as_the_exercises_state():
    for name, letter in (("dates", "D"), ("numbers", "N")):
        question, answer = re.search(rf"\({letter}\)\*\*(.*?)</summary>(.*?)</details>", DOCUMENTS).groups()
        answers = load(name).predict(re.findall("`(.*?)`", question))
        assert re.findall(r"\d+-\d+-\d+|(?<=writes \*)[a-z ]+", answer) == [*filter(None, answers)]
    days = load("dates").predict([f"{day} May 2020" for day in range(39, 100)])
    n_zeros = sum(day.startswith("2020-05-0") for day in days)
    assert days[0] == "2020-05-39" and stated(r"days 40 to 99 of May, (\d+) of (\d+) answers begin with 0") == [
        n_zeros,
        60,
    ]
    assert answers[-1] == "" and "For 0, it writes only END" in answer
    assert "million" not in load("numbers").vocabularies.target.symbols


def test_the_attention_and_the_end_of_a_sorted_answer_are_as_the_exercises_state():
    answers = load("sorted-attention").predict([[5, 5, 0, 5], [9, 3, 1, 7], [3, 1, 7]], details=True)
    (first, *others, _), *_ = rows = [100 * answer.attention for answer in answers]
    assert first[2] > 99 and all(row[[0, 1, 3]].min() > 15 and row[2] < 1 for row in others)
    ends, between = [row[-1] for row in rows], r"END gives each input between (\d+) and (\d+) %"
    shares = stated(rf"{between}\..*?{between} of its.*?For 3 1 7, it gives (\d+) % to the 1")
    assert shares == [round(x) for x in (min(ends[0]), max(ends[0]), min(ends[1]), max(ends[1]), ends[2][1])]


def test_the_text_on_forced_and_free_running_accuracy_agrees_with_the_listing():
    rows = re.findall(r"^\d+ +(0\.\d{5}) +(0\.\d{5})$", TEXT, re.MULTILINE)
    forced, free = 100 * (1 - np.array(rows, float).T)
    errors = stated(r"errs at (\d+) to (\d+) % of the symbols, most often at positions 6 to 9.*?position, to (\d+) %")
    assert errors == [*map(round, (min(forced), max(forced), free[-1]))] and {*forced.argsort()[-4:]} == {5, 6, 7, 8}
    assert stated(r"If (\d+) % of the symbols are right with ") == pytest.approx([100 - np.mean(forced)], abs=0.5)
