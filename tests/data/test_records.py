import numpy as np
import pytest

from seq2seq_demo.data.records import MAX_SYMBOL, TEXT_HINT, Place, check_integers, to_python
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError


def test_places_as_text():
    places = Place("input"), Place("", "line", 3), Place("f", "line", 3), Place("f", "sequence", 0)
    assert [*map(str, places)] == ["input", "line 3", "f, line 3", "f, sequence 0"]


@pytest.mark.parametrize("value", [{"a": 1}, None, 5, [["a"]], ["a"]])
def test_other_invalid_values_get_no_hint(value):
    with pytest.raises(InputError) as error:
        check_integers("here", value)
    assert TEXT_HINT not in str(error.value)


def test_the_largest_valid_symbol():
    check_integers("here", [MAX_SYMBOL, 0])
    with pytest.raises(InputError, match=f"here: expected integers from 0 to {MAX_SYMBOL}, got {MAX_SYMBOL + 1}"):
        check_integers("here", [MAX_SYMBOL + 1])


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("한é😀", '"한é😀"'),
        ("a\ud800b", '"a\\ud800b"'),
        ("a\nb\tc", '"a\\nb\\tc"'),
        ("x" * 100, '"' + "x" * 39),
        (np.array([1, 2]), "array([1, 2])"),
    ],
)
def test_invalid_values_are_shown_on_one_readable_line(value, line):
    assert preview(value) == line


def test_plain_numbers_and_texts():
    assert to_python(np.array(["ab", "c"])) == ["ab", "c"]
    assert to_python(("ab", np.str_("c"), np.int64(3))) == ["ab", "c", 3]
    assert {type(item) for item in to_python([np.str_("c"), np.int64(3)])} == {str, int}
    assert to_python("ab") == "ab"
