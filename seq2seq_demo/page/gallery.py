"""The gallery: an index, exercises, and pages of bundled networks. Its words are in gallery.toml and exercises.toml."""

import html
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq_demo import __version__
from seq2seq_demo.network.decoding import DecodingOptions
from seq2seq_demo.page.builder import (
    ShownNetwork,
    content_policy,
    embedded_json,
    join_modules,
    join_styles,
    read_asset,
    read_toml,
)
from seq2seq_demo.page.training import TITLE as TITLE_OF_TRAINING

INDEX, LINKS, THEORY = "index.html", "links.html", "theory.html"


@dataclass(frozen=True)
class Entry:
    """A page of the gallery and the names of its networks. An entry without networks is the training page.

    `button` and `below` are HTML for the index.
    """

    description: str
    title: str = TITLE_OF_TRAINING
    networks: Sequence[str] = ()
    button: str = ""
    below: str = ""


@dataclass(frozen=True)
class Exercise:
    """An exercise; exercises.toml describes its fields."""

    number: int
    title: str
    start: str
    question: str
    answer: str
    end: str = ""
    prediction: str = "words"
    table: str = ""
    on_paper: bool = False
    short: bool = False

    @property
    def heading(self) -> str:
        """The number and the title."""
        return f"{self.number}. {self.title}"

    @property
    def note(self) -> str:
        """A note behind the heading, as HTML."""
        return " <small>short</small>" if self.short else ""

    def place(self, template: str, **values: str) -> str:
        """Return HTML with the number and the links of the exercise, and these values, in their places."""
        return string.Template(template).substitute(values, n=self.number, start=self.start, end=self.end)


TEXTS, LESSON = read_toml("gallery.toml"), read_toml("lesson/exercises.toml")
GALLERY = {name: Entry(**fields) for name, fields in TEXTS["pages"].items()}  # by file name, without .html
EXERCISES = [Exercise(n, **fields) for n, fields in enumerate(LESSON["exercises"], 1)]
EXAMPLES = TEXTS["examples"]  # pairs by bundled network; others use examples of their patterns
FIELDS: dict[str, str] = LESSON["fields"]
PLANS = f'<script type="application/json" id="lesson-plans">{embedded_json(LESSON["plans"])}</script>\n'


def build_index(shown: Mapping[str, Sequence[ShownNetwork]]) -> str:
    """Return the index as HTML, with links to all other pages and pictures of attention. It contains no script.

    `shown` maps names in GALLERY to the networks of their pages.
    """
    sections = [_index_section(number, name, networks) for number, (name, networks) in enumerate(shown.items(), 1)]
    return _static_page("gallery.html", INDEX, sections="\n".join(sections))


def _index_section(number: int, name: str, networks: Sequence[ShownNetwork]) -> str:
    entry = GALLERY[name]
    pictures = "".join(map(_picture, networks)) or read_asset("curves.html")
    return (
        f'<section class="entry {"" if networks else "start"}">'
        f'<h2><a href="{name}.html">{number}. {html.escape(entry.title)}</a></h2>'
        f"<p>{html.escape(entry.description)}</p>{entry.button}"
        f'<a href="{name}.html" tabindex="-1" aria-hidden="true">{pictures}</a>{entry.below}</section>'
    )


def build_documents() -> dict[str, str]:
    """Return the exercises and the theory as HTML, by file name. The theory shows the reversing page in frames."""
    sections = "".join(map(_worksheet_section, EXERCISES))
    return {
        LINKS: _static_page(LINKS, LINKS, "links.js", sections=sections, plans=PLANS),
        THEORY: _static_page(THEORY, THEORY, "theory.js", plans=PLANS),
    }


def _worksheet_section(one: Exercise) -> str:
    """Return an exercise of the worksheet. Its heading opens the same page as `start`, but in the lecture view."""
    page, _ = one.start.split("#")
    heading = f'<a href="{one.start}&amp;view=lecture" data-address="{page}#exercise={one.number}">{one.heading}</a>'
    fields = one.place(FIELDS[one.prediction] + FIELDS["seen"])
    return (
        f'<section class="entry">\n<h2 id="exercise-{one.number}">{heading}{one.note}</h2>\n'
        f"{one.place(one.question)}{one.table}{fields}\n"
        f"<details><summary>Answer</summary>\n{one.answer}</details>\n</section>\n"
    )


def exercises(name: str) -> str:
    """Return the exercises for the page `name` in GALLERY, as collapsed HTML. Their links change the page's state."""
    before = [f"{LINKS}#", *(one.end or one.start for one in EXERCISES)]  # a clicker begins at the list
    after = [*(one.start for one in EXERCISES[1:]), f"{LINKS}#"]
    shown = [
        _exercise(one, previous=before[one.number - 1], next=after[one.number - 1])
        for one in EXERCISES
        if one.start.startswith(f"{name}.html#")
    ]
    if not shown:
        return ""
    articles = "".join(shown).replace(f'"{name}.html#', '"#')
    return f"{PLANS}<details><summary>{LESSON['folded']}</summary>\n{articles}</details>"


def _exercise(one: Exercise, **links: str) -> str:
    """Return an exercise of a page, with links to the previous and the next one."""
    table = "" if one.on_paper else one.table
    return (
        f'<article id="exercise-{one.number}"><h2>{one.heading}{one.note}</h2>\n'
        f"{one.place(one.question)}{one.place(FIELDS[one.prediction])}\n"
        f"<details><summary>Answer</summary>\n{one.answer}{table}</details>\n"
        f"{one.place(FIELDS['steps'], **links)}</article>\n"
    )


def _static_page(asset: str, name: str, entry: str = "", **parts: str) -> str:
    """Return the page `name` of the gallery: the file `asset` and, unless its name is empty, the script `entry`."""
    style, script = join_styles("page.css", "gallery.css"), join_modules(entry) if entry else ""
    head = read_asset("template.html").partition("<body>")[0]
    policy = f"{content_policy(style, script)}; frame-src 'self' file:"
    title = html.escape(TEXTS["documents"][name])
    values = {"policy": policy, "title": title, "style": style, "script": script, "version": __version__}
    return string.Template(head + read_asset(asset)).substitute(values | parts)


def _picture(shown: ShownNetwork) -> str:
    """Return an SVG picture of a network's attention for its first example, with a row of squares per output.

    For a network without attention, return an empty string.
    """
    first = shown.examples[0].source
    (answer,) = shown.network.predict_numbers([(first, None)], options=DecodingOptions(attention=True))
    inputs = [html.escape(str(symbol)) for symbol in answer.source_tokens or ()]
    outputs = [html.escape(symbol) for symbol in answer.written]
    if answer.attention is None:
        return ""
    top, side, left = 22, 22, 12 + 9 * max(map(len, outputs))
    input_positions = [(left + side * (s + 0.5), 15) for s in range(len(inputs))]
    output_positions = [(left / 2, top + side * (t + 0.7)) for t in range(len(outputs))]
    names = [
        f'<text x="{x:.0f}" y="{y:.0f}">{name}</text>'
        for (x, y), name in zip([*input_positions, *output_positions], [*inputs, *outputs], strict=True)
    ]
    squares = [
        f'<rect class="above-zero" x="{left + side * s}" y="{top + side * t}" width="{side}" height="{side}" '
        f'fill-opacity="{alpha:.2f}"/>'
        for (t, s), alpha in np.ndenumerate(answer.attention)
    ]
    label = f"Attention while the network reads {' '.join(inputs)} and writes {' '.join(outputs)}"
    view = f"0 0 {left + side * len(inputs) + 2} {output_positions[-1][1] + 10:.0f}"
    svg = f'<svg class="picture" viewBox="{view}" role="img" aria-label="{label}">{"".join([*squares, *names])}</svg>'
    return f"<figure>{svg}<figcaption>{TEXTS['key']}</figcaption></figure>"
