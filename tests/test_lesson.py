import math
import re

import numpy as np
from helpers import ROOT

from seq2seq_demo import load

LESSON = ROOT / "seq2seq_demo" / "docs" / "LESSON.md"
TEXT = LESSON.read_text()
TEACHING = (LESSON.parent / "TEACHING.md").read_text()


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
        assert f"{forced} **{' '.join(map(str, answer[1:]))}**" in " ".join(TEACHING.split())


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
