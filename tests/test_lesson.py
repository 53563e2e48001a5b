import itertools
import math
import re

import numpy as np
from helpers import ROOT

from seq2seq_demo import load

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


def test_the_exercises_for_a_class_state_the_answers_after_forcing():
    source, forced = [3, 1, 4, 1, 5, 9], 5
    for name in ("reversed-attention", "reversed-rnn"):
        network = load(name).to_numpy()
        decoder_input, answer = [network.model_config.go, forced], [forced]
        while len(answer) < len(source):
            logits = network.decode(np.array([source]), len(decoder_input), np.array([decoder_input])).logits
            answer.append(int(logits[0, -1].argmax()))
            decoder_input.append(answer[-1])
        assert f"{forced} **{' '.join(map(str, answer[1:]))}**" in TEACHING


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
