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
    stated = re.search(
        r"AE likelier \((\S+)\) than AH \((\S+)\)\. .* \((\S+) for IH\), .* \((\S+) for AA\)\. "
        r".* now (\S+) for M AE S IH and (\S+) for M AH S AA\. "
        r".* the first falls to (\S+) \((\S+) for JH\), the second only to (\S+) \((\S+) for ZH\)\. ",
        " ".join(TEXT.split()),
    ).groups()
    p, q = greedy.probabilities, right.probabilities
    before, after = ([math.prod(x[:symbols]) for x in (p, q)] for symbols in (4, 5))
    assert before[0] > before[1] and after[0] < after[1]
    expected = p[1], q[1], p[3], q[3], *before, after[0], p[4], after[1], q[4]
    assert stated == tuple(f"{x:.3f}" for x in expected)
