import itertools
import math
import re

import numpy as np
import pytest
from helpers import ROOT
from rapidfuzz.distance import OSA

from seq2seq_demo import load
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.files.file_names import shipped_networks
from seq2seq_demo.files.recording import find_recording
from seq2seq_demo.page.examples import held_out, recorded_moments

LESSON = ROOT / "seq2seq_demo" / "docs" / "LESSON.md"
TEXT = LESSON.read_text()
TEACHING = " ".join((LESSON.parent / "TEACHING.md").read_text().split())


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


def reversing_shares(n_digits, *names):
    """The shares in % of 2,000 random sources that networks reverse, rounded."""
    sources = np.random.default_rng(n_digits).integers(0, 10, (2000, n_digits)).tolist()
    return [
        100
        * float(
            np.mean(
                [answer == source[::-1] for answer, source in zip(load(name).predict(sources), sources, strict=True)]
            )
        )
        for name in names
    ]


def written(name, source, forced):
    """The symbols that a network writes, up to END, with symbols forced at some outputs."""
    network, symbols = load(name).to_numpy(), []
    state, fed, go = network.start(np.array([source])), network.model_config.go, network.model_config.go
    while len(symbols) < 30 and go not in symbols:
        state, logits, _ = network.step(np.array([fed]), state)
        fed = forced.get(len(symbols), int(logits[0].argmax()))
        symbols.append(fed)
    return symbols


def edits(symbols, source):
    return OSA.distance(symbols, [*source[::-1], 10])


def digits(text):
    return [*map(int, text.split())]


LONG = "reversed-attention", "long-rnn"  # the networks of lengths.html


@pytest.mark.slow
def test_the_exercise_on_the_bottleneck_holds_for_all_stated_lengths():
    source = digits(re.search(r"Source: `(1 2 3 [\d ]+)`, twenty digits", TEACHING)[1])
    answer, wrong = load("long-rnn").predict([source])[0], "4 5 6 4 4 0 3 1 1 7 6 **7 1** 9 2 8 0 3 2 1"
    assert f"{wrong} instead of" in TEACHING and answer == digits(wrong.replace("*", ""))
    assert edits([*answer, 10], source) == 1
    assert load("reversed-attention").predict([source])[0] == source[::-1]
    right = [load("long-rnn").predict([source[:n]])[0] == source[:n][::-1] for n in (19, 18, 17, 16)]
    assert right == [False, False, False, True] and "19, 18 and 17 digits too, but not on 16" in TEACHING
    sizes = [f"{network.n_weights:,}" for network in map(load, LONG)]
    assert sizes == ["19,031", "20,391"] and all(size in TEACHING for size in sizes)
    assert [2 * load(name).model_config.cell_size for name in LONG] == [64, 80]
    assert [load(name).trained_lengths for name in LONG] == [range(1, 21)] * 2
    rows = re.findall(r"\| (?:with attention|without) ((?:\| \d+ % )+)\|", TEACHING)
    shares = [[*map(int, re.findall(r"\d+", row))] for row in rows]
    lengths = digits(re.search(r"\| digits ([| \d]+) \|", TEACHING)[1].replace("|", ""))
    for i, n_digits in enumerate(lengths):
        assert [row[i] for row in shares] == pytest.approx(reversing_shares(n_digits, *LONG), abs=1)


@pytest.mark.slow
def test_most_wrong_answers_of_the_network_without_attention_have_the_right_symbols():
    sources = np.random.default_rng(20).integers(0, 10, (2000, 20))
    answers = load("long-rnn").predict(sources.tolist())
    pairs = zip(answers, sources.tolist(), strict=True)
    wrong = [(answer, source) for answer, source in pairs if answer != source[::-1]]
    share = np.mean([sorted(answer) == sorted(source) for answer, source in wrong])
    n, stated = map(
        int, re.search(r"Of (\d+) wrong answers to 2,000 .*? (\d+) % contain the right symbols", TEACHING).groups()
    )
    assert n == pytest.approx(len(wrong), abs=5) and stated == pytest.approx(100 * share, abs=1)


@pytest.mark.slow
def test_attention_does_not_help_beyond_the_lengths_in_training():
    source = digits(re.search(r"Source: `([\d ]+)`, twelve digits", TEACHING)[1])
    assert load("recorded-rnn").predict([source])[0] == source[::-1]
    answer = load("recorded-attention").predict([source])[0]
    assert edits([*answer, 10], source) == 1
    assert "9 7 4 **7** 4 2 4 3 2 7 1 4" in TEACHING and answer == [9, 7, 4, 7, 4, 2, 4, 3, 2, 7, 1, 4]
    stated = re.search(r"right in (\d+) % of 2,000 cases, and the one without attention in (\d+) %", TEACHING).groups()
    names = "recorded-attention", "recorded-rnn"
    assert [*map(int, stated)] == pytest.approx(reversing_shares(12, *names), abs=1)
    assert [load(name).trained_lengths for name in names] == [range(1, 11)] * 2
    assert "22 digits, 95 % and 34 %" in TEACHING  # as in the table of exercise 1
    text = " ".join(TEXT.split())
    for name, share in zip(names, stated, strict=True):
        assert re.search(rf"`{name}`[^`]*? {share} %", text)


@pytest.mark.slow
def test_the_exercises_for_a_class_state_the_answers_after_forcing():
    source, forced = [3, 1, 4, 1, 5, 9], 5
    for name, n_edits in zip(LONG, (1, 3), strict=True):
        symbols = written(name, source, {0: forced})
        assert f"{forced} **{' '.join(map(str, symbols[1:-1]))}**" in TEACHING
        assert edits(symbols, source) == n_edits
    sources = np.random.default_rng(5).integers(0, 10, (200, 6)).tolist()
    for name, count in zip(LONG, ("in 174 with attention", "in 17 without"), strict=True):
        wrong = ({0: (source[-1] + 1) % 10} for source in sources)
        n = sum(edits(written(name, *each), each[0]) == 1 for each in zip(sources, wrong, strict=True))
        assert n == pytest.approx(int(count.split()[1]), abs=1) and count in TEACHING


@pytest.mark.slow
def test_one_error_under_teacher_forcing_leads_to_many_free_running():
    network = load("long-rnn").to_numpy()

    def taught_and_free(sources):
        targets = np.hstack([sources[:, ::-1], np.full((len(sources), 1), 10)])
        taught = network.decode(sources, 21, np.hstack([targets[:, -1:], targets[:, :-1]])).symbols
        return taught, targets

    source = digits(re.search(r"\*\*7\. \(L\)\*\* Source: `([\d ]+)`", TEACHING)[1])
    assert f"Type {' '.join(map(str, source))} and" in " ".join(TEXT.split())
    taught, target = taught_and_free(np.array([source]))
    assert np.flatnonzero(taught[0] != target[0]).tolist() == [4]
    assert (taught[0, 4], target[0, 4]) == (1, 0) and "output 5 is a 1 instead of a 0" in TEACHING
    symbols = written("long-rnn", source, {})
    n_places = sum(a != b for a, b in itertools.zip_longest(symbols[:21], target[0].tolist()))
    assert "13 of 21 places differ, and 13 edits lead to the target." in TEACHING
    assert (n_places, edits(symbols, source)) == (13, 13)
    assert written("long-rnn", source, {4: 0}) == target[0].tolist()
    sources = np.random.default_rng(20).integers(0, 10, (2000, 20))
    taught, targets = taught_and_free(sources)
    chosen = sources[(taught != targets).sum(axis=1) == 1].tolist()
    answers = load("long-rnn").predict(chosen)
    n_edits = np.mean([edits([*answer, 10], each) for answer, each in zip(answers, chosen, strict=True)])
    assert "on 500 of 2,000 sources of twenty digits" in TEACHING and len(chosen) == pytest.approx(500, abs=5)
    assert "need 3.5 edits on average" in TEACHING and n_edits == pytest.approx(3.5, abs=0.1)


@pytest.mark.slow
def test_the_pronunciations_of_the_exercises_are_those_of_each_beam():
    network = load("g2p")
    for word, text in (("though", "TH AO F (a probability of 26 %)"), ("cafe", "K EY F (94.5 %)")):
        for size in range(1, 6):
            (answer,) = network.predict([word], details=True, beam_size=size)
            share = re.search(r"([\d.]+) %", text)[1]
            assert text.startswith(" ".join(answer.predicted)) and text in TEACHING
            assert f"{100 * math.exp(answer.score):.{len(share.partition('.')[2])}f}" == share
    rows = re.findall(r"\| (massage|rendezvous|mexicali) \| ([A-Z ]+) \| ([A-Z ]+) \| ([A-Z ]+) \|", TEACHING)
    assert len(rows) == 3
    for word, *answers in rows:
        for size in range(1, 6):
            assert network.predict([word], beam_size=size)[0] == answers[min(size, 3) - 1]


@pytest.mark.slow
def test_the_rnn_with_a_larger_state_errs_as_rarely_as_the_lesson_states():
    network = load("reversed-rnn")
    assert network.model_config.cell_size == 64 and "state twice as large" in TEXT
    assert "errs on 3 of 20,000 sources" in TEXT
    evaluation = network.evaluate(n=20_000, in_len=10)
    assert round(20_000 * (1 - evaluation.exact_match)) == pytest.approx(3, abs=1)


def test_the_attention_of_the_rotating_network_is_as_stated():
    (answer,) = load("rotated-attention").predict([[3, 1, 4, 1, 5, 9]], details=True)
    assert answer.attention.argmax(axis=1)[:6].tolist() == [1, 2, 3, 4, 5, 0]  # the diagonal, shifted, then the first


def test_the_stated_probabilities_of_two_beginnings_are_correct():
    network = load(ROOT / "trained_weights" / "g2p.weights.h5")
    ((right, greedy),) = network.predict(["massage"], details=True, beam_size=5, n_best=2)
    text = " ".join(TEXT.split())
    p, q = greedy.probabilities, right.probabilities
    assert p[1] > 1.5 * q[1] and math.prod(p) < math.prod(q)
    one, two = (network.predict(["massage"], details=True, beam_size=size)[0].predicted for size in (1, 2))
    assert (one, two) == (greedy.predicted, right.predicted)
    assert f"AE likelier than AH ({p[1]:.0%} and {q[1]:.0%})".replace("%", " %") in text
    probabilities = f"{math.prod(q):.0%} (e^{right.score:.2f}) and {math.prod(p):.0%} (e^{greedy.score:.2f})"
    assert f"Their probabilities are {probabilities.replace('%', ' %')}" in text
    assert math.prod(q[2:]) > 0.9  # the only likely continuation of M AH


def percentages(shares):
    return [round(100 * float(share)) for share in shares]


def test_the_attention_of_a_sorting_network_is_as_the_exercises_for_a_class_state():
    network = load("sorted-attention").to_numpy()
    first, *others, end = network.decode(np.array([[5, 5, 0, 5]]), 5).attention[0]
    assert first[2] > 0.99 and "The first output looks at the 0 (almost 100 %)." in TEACHING
    assert all(shares[[0, 1, 3]].min() > 0.15 and shares[2] < 0.01 for shares in others)
    assert f"END gives each input between {min(percentages(end))} and {max(percentages(end))} %." in TEACHING
    end = percentages(network.decode(np.array([[9, 3, 1, 7]]), 5).attention[0, -1])
    assert f"END gives each input between {min(end)} and {max(end)} % of its attention." in TEACHING
    end = percentages(network.decode(np.array([[3, 1, 7]]), 4).attention[0, -1])
    assert f"For 3 1 7, it gives {end[1]} % to the 1." in TEACHING


def test_the_end_of_a_sorted_answer_depends_only_on_the_number_of_inputs():
    network = load("sorted-attention").to_numpy()
    sources = np.array([*itertools.product(range(10), repeat=4)])
    symbols = network.decode(sources, 5).symbols
    assert (symbols[:, :4] == np.sort(sources, axis=1)).all() and (symbols[:, 4] == 10).all()
    assert f"it is output 5 for each of the {len(sources):,} sources of four digits" in TEACHING
    assert network.decode(np.array([[9, 3, 1]]), 4).symbols[0].tolist() == [1, 3, 9, 10]


def test_the_text_on_forced_and_free_running_accuracy_agrees_with_the_listing():
    rows = re.findall(r"^\d+ +(0\.\d{5}) +(0\.\d{5})$", TEXT, re.MULTILINE)
    forced, free = ([1 - float(value) for value in column] for column in zip(*rows, strict=True))
    assert len(rows) == 10 and sorted(free) == free
    text = " ".join(TEXT.split())
    rates = f"errs at {100 * min(forced):.0f} to {100 * max(forced):.0f} % of the symbols"
    assert f"{rates}, most often at positions 6 to 9." in text
    assert min(forced[5:9]) > max(forced[:5] + forced[9:])
    assert f"its errors grow from position to position, to {100 * free[-1]:.0f} %." in text
    (figures,) = re.findall(r"^10 +10000 +(\S+) +\S+ +(\S+) +(\S+) +…$", TEXT, re.MULTILINE)[:1]
    exact, free_accuracy, forced_accuracy = map(float, figures)
    assert abs(round(forced_accuracy, 2) ** 10 - exact) < 0.05 < abs(free_accuracy**10 - exact)
    assert f"If {100 * forced_accuracy:.0f} % of the symbols are right with teacher forcing" in TEACHING
    assert f"the same network has {100 * free_accuracy:.0f} % of the symbols right" in TEACHING


def test_the_rows_of_misconceptions_state_what_the_networks_do():
    source = digits(re.search(r"`reversing.html` with ([\d ]+): without attention", TEACHING)[1])
    symbols, target = written("recorded-rnn", source, {}), [*source[::-1], 10]
    n_places = sum(a != b for a, b in zip(symbols, target, strict=True))
    assert f"{n_places} of {len(target)} places differ, but two swaps are enough" in TEACHING
    assert edits(symbols, source) == 2 and sorted(symbols) == sorted(target)
    path = shipped_networks()["recorded-attention"]
    network = load(path)
    recording = find_recording(path, network.weights)
    moments = recorded_moments(network, recording, held_out(network, find_pattern("reversed")))
    below = max(i for i, share in enumerate(moments.exact_match) if share < 0.15)
    losses = f"the loss falls from {moments.loss[0]:.1f} to {moments.loss[below]:.1f} before exact match reaches 15 %"
    assert losses in TEACHING
