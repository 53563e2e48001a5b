"""The gallery: an index, and pages of networks that come with the program."""

import html
import string
from dataclasses import dataclass

from seq2seq_demo import __version__
from seq2seq_demo.page.builder import content_policy, read_asset

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
        "Two networks reverse digits. They were trained on at most 20 and at most 10 digits: try longer sequences.",
        ("reversed-attention", "reversed-rnn"),
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


def build_index() -> str:
    """Return the page that links to all others, as HTML. It contains no script."""
    style = read_asset("page.css")
    sections = "\n".join(
        f'<section class="entry"><h2><a href="{name}.html">{html.escape(entry.title)}</a></h2>'
        f"<p>{html.escape(entry.description)}</p></section>"
        for name, entry in GALLERY.items()
    )
    head = read_asset("template.html").partition("<body>")[0]
    return string.Template(head + read_asset("gallery.html")).substitute(
        policy=content_policy(style),
        title=html.escape(TITLE),
        style=style,
        sections=sections,
        version=__version__,
    )
