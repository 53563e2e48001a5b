"""The labels of the pictures are whole and apart, the pictures use the height, and an answer opens next to them."""

import html
import re
from pathlib import Path

import pytest
from helpers_page import needs_chromium, wait_for_layout

from seq2seq_demo.page.gallery import LINKS, build_documents

pytestmark = [pytest.mark.slow, needs_chromium]
SCRIPT = f"() => {{ {Path(__file__).with_name('labels.js').read_text(encoding='utf-8')} }}"
SIZES = [(1280, 720), (1920, 1080), (1280, 800)]
SOME = "[0, app.S, app.S + 1, app.S + (app.T >> 1), app.S + app.T]"  # steps
DIGITS = "3141592653589793238462643"
SOURCES = {
    **{name: [" ".join(DIGITS[:n]) for n in (2, 10, 25)] for name in ("reversing", "train")},
    "dates": ["19", "Mittwoch, den 3. März 2021"],
    "numbers": ["7", "42178"],
    "pronunciation": ["go", "internationalization"],
}  # of the pages that are not exercises, short and long


def links():
    """The links of the exercises by number, in the lecture view, with their pages."""
    addresses = re.findall(r'href="(\w+\.html#[^"]*&amp;exercise=\d+)"', build_documents()[LINKS])
    found = {}
    for address in addresses:
        found.setdefault(int(address.rpartition("=")[2]), []).append(f"{html.unescape(address)}&view=lecture")
    return found


def resize(page, size):
    """Give a page the size, and wait until it is laid out."""
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    wait_for_layout(page)


def open_link(tab, gallery, link):
    """Open a link as in a new tab of the first size, and return the page once it is laid out."""
    name, _, fragment = link.partition("#")
    page = tab.open(gallery / name, f"#{fragment}", {"width": 1280, "height": 720}, reduced_motion="reduce")
    page.evaluate(SCRIPT)
    wait_for_layout(page)
    return page


@pytest.mark.parametrize("number", links())
def test_every_label_of_an_exercise_is_whole_and_apart_in_all_steps_and_its_tables_fit(shared_tab, gallery, number):
    page, faults = open_link(shared_tab, gallery, links()[number][0]), []
    for link in links()[number]:
        page.evaluate("(hash) => app.open(readHash(hash))", link[link.index("#") :])
        for hidden, steps in (("true", SOME), ("false", "")):
            page.evaluate(f"app.change({{ hidden: {hidden} }})")
            wait_for_layout(page)
            faults += page.evaluate(f"faults({steps})")
    for size in SIZES[1:]:
        resize(page, size)
        faults += page.evaluate(f"faults({SOME})")
    assert faults == []
    page.evaluate("document.querySelector('.chosen > details').open = true")
    wait_for_layout(page)
    wide = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"
    assert page.locator(".chosen .scroll").evaluate_all(wide) == 0


@pytest.mark.parametrize("name", SOURCES)
def test_every_label_is_whole_and_apart_on_short_and_long_sources(shared_tab, gallery, name):
    faults = []
    page = open_link(shared_tab, gallery, f"{name}.html")
    for size in SIZES:
        resize(page, size)
        for source in SOURCES[name]:
            page.evaluate("(text) => app.change({ text })", source)
            faults += page.evaluate("faults()" if len(source) < 10 and size == SIZES[0] else f"faults({SOME})")
    assert faults == []


# For each picture: the part of the height of its box that it uses; a cell's width by its height; and the height between
# encoder and decoder, of the whole.
SHAPES = """() => [...document.querySelectorAll("#step .diagram")].map((picture) => {
    const [first, last] = ["input 0", "output 0"].map((_, i) => picture.querySelectorAll(".cell").item(i ? app.S : 0));
    const [box, one, other] = [picture.parentElement, first, last].map((part) => part.getBoundingClientRect());
    const { height } = picture.getBoundingClientRect();
    return [height / box.height, one.width / one.height, (other.top - one.bottom) / height];
})"""
BESIDE = """() => {
    const answer = document.querySelector(".chosen details").getBoundingClientRect();
    const scrolls = ["#step .scroll", "[role=tabpanel] .scroll", "[data-lecture] .chosen .scroll"];
    const boxes = [...document.querySelectorAll(scrolls)];
    const shown = [...document.querySelectorAll("#step .written, .compared td, .beam-tree rect")]
        .map((one) => one.getBoundingClientRect()).filter(({ width }) => width);
    const [top, bottom] = [document.querySelector("#exercises"), document.querySelector("#player")]
        .map((one) => one.getBoundingClientRect());
    const isApart = shown.length > 4 && shown.every(({ right }) => right <= answer.left + 1);
    const isOffPlayer = answer.bottom <= bottom.top + 1 || answer.top >= bottom.bottom - 1;
    const isBelow = answer.top >= top.bottom - 1;
    return isApart && isOffPlayer && isBelow && boxes.every((one) => one.scrollWidth <= one.clientWidth + 1);
}"""


# The exercises with the longest pictures, with each panel, and with a table in the answer.
@pytest.mark.parametrize("number", [1, 2, 3, 4, 7, 8, 10, 13])
def test_pictures_fill_the_height_with_square_cells_and_an_answer_opens_beside_them(shared_tab, gallery, number):
    link = links()[number][0].replace("&answer=hidden", "").replace("beam=1", "beam=3")
    page = open_link(shared_tab, gallery, link)
    for size in SIZES if number in (2, 3, 4, 7) else ():
        resize(page, size)
        for used, cell, between in page.evaluate(SHAPES):
            assert 0.97 < used <= 1.001 and 0.5 < cell < 1.4 and 0.2 < between < 0.5, (size, used, cell, between)
        assert not page.locator("#source").is_visible()
    resize(page, (390, 844))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for view in (link, link.replace("&view=lecture", "")):
        page = open_link(shared_tab, gallery, view)
        page.locator(".chosen > details > summary").evaluate("(one) => one.click()")  # does not scroll
        if "tab=beam" in link:
            page.wait_for_selector(".beam-tree")
        page.wait_for_function(BESIDE)  # once the pictures fit into the rest of the window
        page.locator(".chosen > details > summary").evaluate("(one) => one.click()")
        page.wait_for_function("() => !document.documentElement.hasAttribute('data-answer')")


def test_maps_and_trees_fill_the_panel_in_the_lecture_view(shared_tab, gallery):
    for tab, part in (("details", ".heat-map"), ("influence", ".heat-map"), ("beam", ".beam-tree")):
        fragment = f"source=9%203%201%207%205&tab={tab}&exercise=6&view=lecture"
        page = open_link(shared_tab, gallery, f"sorting.html#{fragment}")
        drawing = page.locator(f"#{tab} {part}")
        drawing.wait_for()
        wait_for_layout(page)
        room = page.locator(f"#{tab} .columns").bounding_box()
        assert drawing.bounding_box()["height"] > 0.6 * room["height"]
        assert page.evaluate("document.documentElement.scrollHeight - scrollY") <= 721
