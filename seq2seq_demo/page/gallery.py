"""The gallery: an index, and pages of networks that come with the program."""

import html
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq_demo import __version__
from seq2seq_demo.data.vocabulary import join_symbols
from seq2seq_demo.page.builder import ShownNetwork, content_policy, read_asset

TITLE = "Networks that read one sequence and write another"
INDEX = "index.html"

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Entry:
    """A page of the gallery: its networks by name, and examples as pairs of a source and its right answer."""

    title: str
    description: str
    networks: tuple[str, ...]
    examples: Pairs = ()  # the default is examples of the networks' pattern


GALLERY = {
    "reversing": Entry(
        "Reversing, with and without attention",
        "Two networks learn to write digits backwards. The one without attention must remember all of them at once.",
        ("recorded-attention", "recorded-rnn"),
    ),
    "lengths": Entry(
        "Reversing long sequences",
        "Two networks of about the same size learn to reverse 1 to 20 digits. Which one fails, and at which length?",
        ("reversed-attention", "long-rnn"),
    ),
    "sorting": Entry(
        "Sorting",
        "A network sorts digits. It learned their order from examples alone.",
        ("sorted-attention",),
    ),
    "dates": Entry(
        "Dates in words",
        "Dates in five languages become dates in digits. The network knows no calendar, so it accepts 31 February.",
        ("dates",),
        (
            ("3 March 2021", "2021-03-03"),
            ("March 2021", "2021-03"),
            ("the 22nd of November 1963", "1963-11-22"),
            ("Mittwoch, den 3. März 2021", "2021-03-03"),
            ("1er mai 1968", "1968-05-01"),
            ("14 de julio de 1789", "1789-07-14"),
        ),
    ),
    "numbers": Entry(
        "Numbers in words",
        "Digits become English words. The network cannot read 0 on its own: in longer numbers, a zero has no word.",
        ("numbers",),
        (
            ("4217", "four thousand two hundred seventeen"),
            ("0", "zero"),
            ("100001", "one hundred thousand one"),
            ("90000", "ninety thousand"),
            ("13", "thirteen"),
            ("700", "seven hundred"),
        ),
    ),
    "pronunciation": Entry(
        "Spelling to pronunciation",
        "English words become sounds. The network learned from a dictionary, and gets some irregular words wrong.",
        ("g2p",),
        (
            ("through", "TH R UW"),
            ("choir", "K W AY ER"),
            ("hello", "HH EH L OW"),
            ("attention", "AH T EH N SH AH N"),
            ("knight", "N AY T"),
            ("queue", "K Y UW"),
        ),
    ),
}  # by file name, without .html


def build_index(shown: Mapping[str, Sequence[ShownNetwork]]) -> str:
    """Return the page that links to all others, as HTML, with a picture of each network. It contains no script.

    `shown` has the networks of entries of GALLERY, by name.
    """
    style = read_asset("page.css")
    sections = "\n".join(
        f'<section class="entry"><h2>{number}. <a href="{name}.html">{html.escape(GALLERY[name].title)}</a></h2>'
        f"<p>{html.escape(GALLERY[name].description)}</p>{''.join(map(_picture, networks))}</section>"
        for number, (name, networks) in enumerate(shown.items(), 1)
    )
    head = read_asset("template.html").partition("<body>")[0]
    return string.Template(head + read_asset("gallery.html")).substitute(
        policy=content_policy(style),
        title=html.escape(TITLE),
        style=style,
        sections=sections,
        version=__version__,
    )


def _picture(shown: ShownNetwork) -> str:
    """Draw a network's answer to its first example as SVG: the attention or, without attention, the final state."""
    network, vocabulary = shown.network, shown.network.vocabularies.source
    symbols = vocabulary.to_symbols(shown.examples[0].source)
    source = join_symbols(vocabulary.tokens, symbols) if vocabulary.is_text else symbols
    (answer,) = network.predict([source], details=True)
    inputs, outputs = ([html.escape(str(symbol)) for symbol in side] for side in (symbols, answer.predicted_symbols))
    if answer.attention is not None:
        size, parts = _attention(inputs, outputs, answer.attention)
    else:
        states = network.to_numpy().encode(np.array([shown.examples[0].source]))[1]
        size, parts = _bottleneck(inputs, outputs, [array[0] for state in states for array in state])
    kind = "Attention" if answer.attention is not None else "The final state"
    label = f"{kind} while the network reads {' '.join(inputs)} and writes {' '.join(outputs)}"
    return f'<svg class="picture" viewBox="0 0 {size}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


Drawing = tuple[str, list[str]]  # width and height, and SVG elements


def _attention(inputs: list[str], outputs: list[str], alpha: np.ndarray) -> Drawing:
    """Draw a row of squares per output, darker for more attention."""
    left, top, side = 12 + 9 * max(map(len, outputs)), 22, 22
    names = [_text(left + side * (s + 0.5), 15, name) for s, name in enumerate(inputs)]
    rows = [_text(0, top + side * t + 16, name, "begin") for t, name in enumerate(outputs)]
    cells = [
        f'<rect class="{kind}" x="{left + side * s}" y="{top + side * t}" width="{side}" height="{side}" '
        f'fill-opacity="{share:.2f}"/>'
        for (t, s), value in np.ndenumerate(alpha)
        for kind, share in (("cells", 1), ("heat", value))
        if share > 0.01
    ]
    return f"{left + side * len(inputs) + 2} {top + side * len(outputs) + 2}", [*names, *rows, *cells]


def _bottleneck(inputs: list[str], outputs: list[str], state: list[np.ndarray]) -> Drawing:
    """Draw the final state, a row of stripes per array, between the inputs above and the outputs below."""
    side, height = 30, 30 / len(state)
    width = side * max(len(inputs), len(outputs))
    names = [
        _text(side * (i + 0.5), y, name)
        for y, side_names in ((15, inputs), (147, outputs))
        for i, name in enumerate(side_names)
    ]
    left, right = width // 2 - 60, width // 2 + 60
    funnel = f'<path class="funnel" d="M0 24H{width}L{right} 60V90L{width} 130H0L{left} 90V60z"/>'
    box = f'<rect class="cells" x="{left}" y="60" width="120" height="30"/>'
    stripes = [
        f'<rect class="{"above" if value > 0 else "below"}-zero" x="{left + 120 * i / len(row):.1f}" '
        f'y="{60 + k * height}" width="{120 / len(row):.1f}" height="{height}" '
        f'fill-opacity="{min(1, abs(value)):.2f}"/>'
        for k, row in enumerate(state)
        for i, value in enumerate(row)
    ]
    return f"{width} 155", [*names, funnel, box, *stripes]


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{words}</text>'
