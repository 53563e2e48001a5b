"""The gallery: an index, exercises, and pages of bundled networks."""

import html
import json
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq_demo import __version__
from seq2seq_demo.network.decoding import DecodingOptions
from seq2seq_demo.page.builder import ShownNetwork, compressed, content_policy, join_modules, read_asset
from seq2seq_demo.page.training import TITLE as TITLE_OF_TRAINING

TITLE = "Networks that read one sequence and write another"
INDEX = "index.html"
LINKS, THEORY = "links.html", "theory.html"
# The title of an exercise, its question, its optional table to fill in, the field for its prediction, and its answer.
EXERCISE = (
    r"<h2>([^\n]*)</h2>\n(<p>.*?</p>\n)(<div.*?</div>\n)?"
    r'(<(?:label|span) class="note".*?)\n(<details><summary>Answer</summary>)(.*?)</section>'
)
PREDICTION = '<label class="note">Prediction: <input name="prediction" autocomplete="off"></label>'
SEEN = '<label class="note">What I saw, and why: <textarea name="seen" rows="2"></textarea></label>'
CHOICES = (
    f'<label><input type="radio" name="prediction" value="{choice}"> {choice}</label>'
    for choice in ("with attention", "without", "both", "neither")
)
CHOICE = f'<span class="note" role="radiogroup" aria-label="Prediction">Prediction: {" ".join(CHOICES)}</span>'
STEPS = """<p class="steps"><button type="button" hidden></button> <a rel="prev" href="{}">Previous exercise</a>
<a rel="next" href="{}"></a> <a href="{}#exercise-{}">All exercises</a></p>"""
KEY = "Top: what it reads. Left: what it writes. Dark: where it looks."
TRAIN = '<p><a class="button" href="train.html#train=now">Train</a></p>'
OWN_PAIRS = """<h2><a href="train.html#task=pairs">Your own pairs</a></h2>
<p>Paste a list, such as words and their plurals, press Train, and try your own words. Nothing leaves your
computer.</p>"""
FOLDED = "<summary>Exercises: predict, then look</summary>"


@dataclass(frozen=True)
class Entry:
    """A page of the gallery and the names of its networks. An entry without networks is the training page."""

    title: str
    description: str
    networks: tuple[str, ...] = ()


GALLERY = {
    "train": Entry(
        TITLE_OF_TRAINING,
        "Press Train, and watch two small networks learn to write digits backwards. One of them can look at the input "
        "again while it writes: that is attention. Which one will be faster?",
    ),
    "reversing": Entry(
        "Reversing, with and without attention",
        "Make the first symbol wrong: usually, only the network with attention recovers.",
        ("reversed-attention", "long-rnn"),
    ),
    "sorting": Entry("Sorting", "It learned the order of digits from examples alone.", ("sorted-attention",)),
    "dates": Entry("Dates in words", "Dates in five languages become digits, even 31 February.", ("dates",)),
    "numbers": Entry("Numbers in words", "Numbers up to 999,999 become English words. Try 0.", ("numbers",)),
    "pronunciation": Entry("Spelling to pronunciation", "English words become sounds. Try names.", ("g2p",)),
}  # by file name, without .html

# Pairs by bundled network; other bundled networks use examples of their patterns.
EXAMPLES = json.loads(read_asset("examples.json"))


def build_index(shown: Mapping[str, Sequence[ShownNetwork]]) -> str:
    """Return the index as HTML, with links to all other pages and pictures of attention. It contains no script.

    `shown` maps names in GALLERY to the networks of their pages.
    """
    sections = "\n".join(
        f'<section class="entry {"" if networks else "start"}">'
        f'<h2><a href="{name}.html">{number}. {html.escape(GALLERY[name].title)}</a></h2>'
        f"<p>{html.escape(GALLERY[name].description)}</p>{'' if networks else TRAIN}"
        f'<a href="{name}.html" tabindex="-1" aria-hidden="true">'
        f"{''.join(map(_picture, networks)) or read_asset('curves.html')}</a>{'' if networks else OWN_PAIRS}</section>"
        for number, (name, networks) in enumerate(shown.items(), 1)
    )
    return _static_page("gallery.html", TITLE, sections=sections)


def build_documents() -> dict[str, str]:
    """Return the exercises and the theory as HTML, by file name. The theory shows the reversing page in frames.

    A link in an exercise opens a page in the state that the exercise needs. The heading of an exercise links to
    the same page as the exercise's first link, but opens the lecture view.
    """
    script = compressed(join_modules("links.js"))
    page = _static_page(
        LINKS, "Exercises: predict, then look", notes=PREDICTION + SEEN, choice=CHOICE + SEEN, script=script
    )
    heading = r'<h2 id="exercise-\2"><a href="\5&amp;view=lecture" data-address="\6#exercise=\2">\1</a>\3</h2>\4"\5"'
    link = r'<h2>((\d+)\.[^<]*)(.*?)</h2>(.*?)"((\w+\.html)#.*?)"'
    links = re.sub(link, heading, _name_exercises(page), flags=re.DOTALL)
    theory = _static_page(THEORY, "Five minutes of theory", script=compressed(join_modules("theory.js")))
    return {LINKS: links, THEORY: theory}


def exercises(name: str) -> str:
    """Return the exercises for the page `name` in GALLERY, as collapsed HTML. Their links change the page's state."""
    text = string.Template(read_asset(LINKS)).safe_substitute(notes=PREDICTION, choice=CHOICE)
    sections, shown = re.findall(EXERCISE, _name_exercises(text), re.DOTALL), ""
    links = [re.findall(r'"(\w+\.html#.*?)"', question) for _, question, *_ in sections]
    links = [[f"{LINKS}#"], *links, [f"{LINKS}#"]]  # a clicker steps from the list through all exercises and back
    for i, (title, question, board, prediction, summary, answer) in enumerate(sections, 1):
        if links[i][0].startswith(f"{name}.html#"):
            steps = STEPS.format(links[i - 1][-1], links[i + 1][0], LINKS, i)
            table = "" if "paper" in board else board
            explained = answer.replace("</details>", f"{table}</details>")
            text = f"<h2>{title}</h2>{question}{prediction}{summary}{explained}{steps}"
            shown += f'<article id="exercise-{i}">{text}</article>'
    shown = re.sub(r'</t[dhr]>|(?<==)"([\w-]+)"', r"\1", shown)  # HTML does not need these tags and quotes
    shown = shown.replace("%20", "+").replace(f'"{name}.html#', '"#')
    return f"<details>{FOLDED}{shown}</details>" if shown else ""


def _name_exercises(text: str) -> str:
    """Return the text of LINKS with the number of the exercise added to each link and to each field's name."""
    section = re.compile(r"<h2>(\d+)\..*?</section>", re.DOTALL)

    def name_parts(found: re.Match[str]) -> str:
        linked = re.sub(r'(html#[^"]*)', rf"\1&amp;exercise={found[1]}", found[0])
        return re.sub(r'name="(\w+)"', rf'name="\1 {found[1]}"', linked)

    return section.sub(name_parts, text)


def _static_page(asset: str, title: str, **parts: str) -> str:
    style = read_asset("page.css") + read_asset("gallery.css")
    head = read_asset("template.html").partition("<body>")[0]
    policy = f"{content_policy(style, parts.get('script', ''))}; frame-src 'self' file:"
    values = {"policy": policy, "title": html.escape(title), "style": style, "version": __version__}
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
    return f"<figure>{svg}<figcaption>{KEY}</figcaption></figure>"
