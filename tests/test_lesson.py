import re

import numpy as np
import pytest
from helpers import ROOT

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


def test_the_text_on_forced_and_free_running_accuracy_agrees_with_the_listing():
    rows = re.findall(r"^\d+ +(0\.\d{5}) +(0\.\d{5})$", TEXT, re.MULTILINE)
    forced, free = 100 * (1 - np.array(rows, float).T)
    errors = stated(r"gets (\d+) to (\d+)% of the symbols wrong, most often at positions 6 to 9.*?position, to (\d+)%")
    assert errors == [*map(round, (min(forced), max(forced), free[-1]))] and {*forced.argsort()[-4:]} == {5, 6, 7, 8}
    assert stated(r"If (\d+)% of the symbols are right with ") == pytest.approx([100 - np.mean(forced)], abs=0.5)
