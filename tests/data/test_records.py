import numpy as np
import pytest

from seq2seq_demo.data.records import MAX_SYMBOL, TEXT_HINT, Place, Places, Record, check_integers, to_python
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError


def rows(*values, kind="line", first=1):
    return [Record(Place("f", kind, number), value) for number, value in enumerate(values, start=first)]


def test_places_as_text():
    places = Place("input"), Place("", "line", 3), Place("f", "line", 3), Place("f", "sequence", 0)
    assert [*map(str, places)] == ["input", "line 3", "f, line 3", "f, sequence 0"]


def test_places_of_a_file():
    places = Places()
    places.extend([rows([1], first=2)[0], rows([2], first=5)[0]])
    places.extend(rows([3], first=2**40))
    assert [str(places[n]) for n in (0, 1, np.int64(2))] == ["f, line 2", "f, line 5", f"f, line {2**40}"]
    places = Places()
    places.extend(rows([1], [2], kind="sequence", first=0))
    assert str(places[1]) == "f, sequence 1"


@pytest.mark.parametrize("value", ["12", "hello", ""])
def test_texts_for_a_network_of_integers_get_a_hint(value):
    with pytest.raises(InputError, match=f"^here: expected a list of integers, got {preview(value)}{TEXT_HINT}$"):
        check_integers("here", value)


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


def test_huge_integers_are_described():
    assert preview(10**5000) == "a number of thousands of digits"


def test_plain_numbers_and_texts():
    assert to_python(np.array(["ab", "c"])) == ["ab", "c"]
    assert to_python(("ab", np.str_("c"), np.int64(3))) == ["ab", "c", 3]
    assert {type(item) for item in to_python([np.str_("c"), np.int64(3)])} == {str, int}
    assert to_python("ab") == "ab"
