import functools
import itertools
import math
import operator
import re

import numpy as np
import pytest
from helpers import ROOT
from rapidfuzz.distance import Levenshtein

from seq2seq_demo import load
from seq2seq_demo.data.sequences import shift_right

LESSON = ROOT / "seq2seq_demo" / "docs" / "LESSON.md"
TEXT = LESSON.read_text()
DOCUMENTS = " ".join(((LESSON.parent / "TEACHING.md").read_text() + TEXT).split())


def test_each_part_but_the_last_has_a_question_and_an_answer():
    *parts, last = TEXT.split("\n## ")[1:]
    assert len(parts) == 8
    for part in parts:
        for element in ("```console", "**See.**", "**The idea.**", "**The equation", "**Question.**", "</details>"):
            assert part.count(element) >= 1, (part.splitlines()[0], element)
    assert last.startswith("9. Where to go on")


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
    permuted = [sorted(answer) == sorted(source) for answer, source in wrong_answers("long-rnn", 20)]
    in_wrong_order = stated(r"Of (\d+) wrong answers to 2,000 .*? (\d+) % contain the right symbols")
    assert in_wrong_order == pytest.approx([len(permuted), 100 * np.mean(permuted)], abs=3)


@pytest.mark.slow
def test_attention_does_not_help_beyond_the_lengths_in_training():
    source = stated(r"Source: `([\d ]+)`, 25 digits")
    n_wrong = [sum(map(operator.ne, written(name, source), [*source[::-1], 10])) for name in LENGTHS]
    assert stated(r"in more places: (\d+) of 26, against (\d+)\.") == n_wrong
    for n_digits, shares in (
        (22, r"(\d+) %, and .*? on (\d+) %"),
        (24, r"(\d+) and (\d+) %"),
        (25, r"(\d+) and (\d+) %"),
    ):
        assert stated(rf"\b{n_digits}(?: digits)?,(?: it is right)? on {shares}") == exact_matches(LENGTHS, n_digits)
    target = np.pad(np.array(random_sources(25))[:, ::-1], ((0, 0), (0, 1)), constant_values=10)
    answers = [loaded(name).to_numpy().decode(np.array(random_sources(25)), 26).symbols for name in LENGTHS]
    n_wrong = [(answer != target).sum(axis=1).mean() for answer in answers]
    assert "fewer wrong places on average, {:.1f} against {:.1f}.".format(*n_wrong) in DOCUMENTS


@pytest.mark.slow
def test_without_attention_a_symbol_depends_on_the_stated_number_of_inputs():
    network, sources = load("long-rnn").to_numpy(), np.array(random_sources(20)[:40])
    changes = np.arange(1, 10)[:, None, None] * np.eye(20, dtype=int)  # each of the nine replacements of each input
    changed = (sources[:, None, None] + changes).reshape(-1, 20) % 10
    before, after = (network.decode(each, 20).symbols for each in (sources, changed))
    is_changed = after.reshape(-1, 9, 20, 20) != before[:, None, None]  # [source, replacement, input, output]
    assert "twenty digits, on five on average" in DOCUMENTS
    assert is_changed.any(axis=1).sum(axis=1).mean() == pytest.approx(5, abs=0.5)


@pytest.mark.slow
def test_the_exercises_for_a_class_state_the_answers_after_forcing():
    for name in LENGTHS:
        symbols = written(name, [3, 1, 4, 1, 5, 9], {0: 5})
        n_wrong = {1: "one symbol wrong", 4: "four"}[sum(map(operator.ne, symbols, [9, 5, 1, 4, 1, 3, 10]))]
        assert f"ttention: 5 **{' '.join(map(str, symbols[1:-1]))}**, {n_wrong}." in DOCUMENTS
    sources = np.array(random_sources(6)[:500])
    expected = np.pad(sources[:, ::-1], ((0, 0), (0, 1)), constant_values=10)
    fed = (expected[:, :1] + np.random.default_rng(0).integers(1, 10, (500, 1))) % 10  # a wrong first symbol
    wrong_last = np.insert(expected[:, :6], 0, 10, axis=1)
    wrong_last[:, 6] = (wrong_last[:, 6] + fed[:, 0] - expected[:, 0]) % 10
    shares, shares_of_end = [], []
    for name in LENGTHS:
        network, symbols = load(name).to_numpy(), fed
        for t in range(1, 7):
            decoder_input = np.insert(symbols, 0, 10, axis=1)
            symbols = np.hstack([symbols, network.decode(sources, t + 1, decoder_input).symbols[:, t:]])
        shares.append(100 * (symbols[:, 1:] == expected[:, 1:]).all(axis=1).mean())
        shares_of_end.append(100 * (network.decode(sources, 7, wrong_last).symbols[:, 6] == 10).mean())
    assert stated(r"after a wrong first one are right in (\d+) % with attention, and in (\d+) %") == [
        *map(round, shares)
    ]
    assert stated(r"END follows in (\d+) % and (\d+) %") == [*map(round, shares_of_end)]


def test_eight_wrong_places_are_one_edit():
    *source, forced, n_places, n = stated(
        r"`reversing.html` with ([\d ]+) and a forced (\d): .*?, (\d+) of (\d+) places"
    )
    symbols = written("reversed-attention", source, {0: forced})
    assert [n_places, n] == [sum(map(operator.ne, symbols, [*source[::-1], 10, None])), len(symbols)]
    assert edits(symbols, source) == 1 and "places differ, but one edit is enough" in DOCUMENTS


@pytest.mark.slow
def test_one_error_under_teacher_forcing_leads_to_many_free_running():
    error, source = (
        r"output (\d+) is a (\d) instead of a (\d)\.",
        stated(r"8\. Exposure bias \(R\)\*\* Source: `([\d ]+)`"),
    )
    sources = np.array([source, *random_sources(20)])
    targets = np.pad(sources[:, ::-1], ((0, 0), (0, 1)), constant_values=10)
    taught = load("long-rnn").to_numpy().decode(sources, 21, shift_right(targets, 10)).symbols
    is_wrong, target, free = taught != targets, targets[0].tolist(), written("long-rnn", source)
    (t,) = np.flatnonzero(is_wrong[0])
    assert written("long-rnn", source, {t: target[t]}) == target
    places, first = sum(map(operator.ne, [*free, None], target)), [t + 1, taught[0, t], target[t]]
    assert stated(rf"{error} How many.*? (\d+) of 21 places differ, and (\d+)") == [*first, places, edits(free, source)]
    chosen = sources[1:][is_wrong[1:].sum(axis=1) == 1].tolist()
    answers = ([*p.prediction, *[10] * p.ended] for p in load("long-rnn").predict(chosen, details=True))
    assert "a quarter of 2,000 sources" in DOCUMENTS and 480 <= len(chosen) <= 520
    assert f"need {np.mean([*map(edits, answers, chosen)]):.1f} edits on average" in DOCUMENTS


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


def test_the_stated_probabilities_of_two_beginnings_are_correct():
    network = load(ROOT / "trained_weights" / "g2p.weights.h5")
    ((right, greedy),) = network.predict(["massage"], details=True, beam_size=5, n_best=2)
    p, q = greedy.probabilities, right.probabilities
    assert p[1] > 1.5 * q[1] and math.prod(p) < math.prod(q)
    assert f"AE likelier than AH ({p[1]:.0%} and {q[1]:.0%})".replace("%", " %") in DOCUMENTS
    probabilities = f"{math.prod(q):.0%} (e^{right.score:.2f}) and {math.prod(p):.0%} (e^{greedy.score:.2f})"
    assert f"Their probabilities are {probabilities.replace('%', ' %')}" in DOCUMENTS
    assert math.prod(q[2:]) > 0.9  # the only likely continuation of M AH


def test_the_attention_and_the_end_of_a_sorted_answer_are_as_the_exercises_state():
    network, sources = load("sorted-attention"), np.array([*itertools.product(range(10), repeat=4)])
    answers = network.predict([[5, 5, 0, 5], [9, 3, 1, 7], [3, 1, 7]], details=True)
    (first, *others, _), *_ = rows = [100 * answer.attention for answer in answers]
    assert first[2] > 99 and all(row[[0, 1, 3]].min() > 15 and row[2] < 1 for row in others)
    ends, between = [row[-1] for row in rows], r"END gives each input between (\d+) and (\d+) %"
    shares = stated(rf"{between}\..*?{between} of its.*?For 3 1 7, it gives (\d+) % to the 1")
    assert shares == [round(x) for x in (min(ends[0]), max(ends[0]), min(ends[1]), max(ends[1]), ends[2][1])]
    expected = np.pad(np.sort(sources, axis=1), ((0, 0), (0, 1)), constant_values=10)  # END is always output 5
    np.testing.assert_array_equal(network.to_numpy().decode(sources, 5).symbols, expected)
    assert stated(r"output 5 for each of the ([\d,]+) sources of four digits") == [len(sources)]


def test_the_text_on_forced_and_free_running_accuracy_agrees_with_the_listing():
    rows = re.findall(r"^\d+ +(0\.\d{5}) +(0\.\d{5})$", TEXT, re.MULTILINE)
    forced, free = 100 * (1 - np.array(rows, float).T)
    errors = stated(r"errs at (\d+) to (\d+) % of the symbols, most often at positions 6 to 9.*?position, to (\d+) %")
    assert errors == [*map(round, (min(forced), max(forced), free[-1]))] and {*forced.argsort()[-4:]} == {5, 6, 7, 8}
    assert stated(r"If (\d+) % of the symbols are right with ") == pytest.approx([100 - np.mean(forced)], abs=0.5)
