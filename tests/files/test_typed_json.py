from dataclasses import dataclass

import pytest

from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files.typed_json import parse


@dataclass(frozen=True)
class Point:
    x: float
    y: int | None = None


class Points(tuple[Point, ...]):
    """A tuple that is more than a tuple."""


@dataclass(frozen=True)
class Drawing:
    points: Points
    sizes: tuple[int, ...]
    author: object = None


def test_json_becomes_a_dataclass_and_fields_that_it_lacks_are_given():
    author = object()
    drawing = parse(Drawing, {"points": [{"x": 2}, {"x": 0.5, "y": 3}], "sizes": [4, 5]}, "drawing", author=author)
    assert drawing == Drawing(Points((Point(2.0), Point(0.5, 3))), (4, 5), author)
    assert type(drawing.points) is Points


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"author": 1}, "unknown key 'author'; the known keys are points, sizes"),
        ({"points": [{"x": "2"}]}, "expected 'x' as float, got '2'"),
        ({"points": [{"y": 2}]}, "the key 'x' is missing"),
        ({"sizes": [True]}, "expected 'sizes' as int, got True"),
        ({"sizes": {}}, "expected 'sizes' as list, got {}"),
    ],
)
def test_other_json_is_refused(changes, message):
    with pytest.raises(WeightsError) as error:
        parse(Drawing, {"points": [], "sizes": []} | changes, "drawing", author=None)
    assert str(error.value) == message
