import math
import re

from helpers import ROOT

from seq2seq_demo import load

LESSON = ROOT / "seq2seq_demo" / "docs" / "LESSON.md"
TEXT = LESSON.read_text()


def test_each_part_but_the_last_has_a_question_and_an_answer():
    *parts, last = TEXT.split("\n## ")[1:]
    assert len(parts) == 8
    for part in parts:
        for element in ("```console", "**See.**", "**The idea.**", "**The equation", "**Question.**", "</details>"):
            assert part.count(element) >= 1, (part.splitlines()[0], element)
    assert last.startswith("9. Where to go on")


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
