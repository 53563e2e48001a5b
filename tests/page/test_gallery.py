"""The index of the gallery."""

import re

import numpy as np
import pytest
from helpers_page import needs_chromium, shipped

from seq2seq_demo import load
from seq2seq_demo.files.atomic_files import is_own
from seq2seq_demo.page.builder import Example, ShownNetwork, build
from seq2seq_demo.page.gallery import GALLERY, INDEX, build_index

pytestmark = pytest.mark.slow


def index_page():
    def shown(name):
        return ShownNetwork("n", load(name), [Example([3, 1, 4], None, "")])

    return build_index({page: [*map(shown, entry.networks)] for page, entry in GALLERY.items()})


def test_the_index_links_to_every_page_and_asks_no_server():
    index = index_page()
    assert is_own(index.encode(), "a page")
    assert "script-src 'none'" in index and "<script" not in index
    assert '<link rel="icon" href="data:image/svg+xml,' in index and "img-src data:;" in index
    numbered = [(str(i), f"{name}.html") for i, name in enumerate(GALLERY, 1)]
    assert re.findall(r'<h2>(\d)\. <a href="(.*?)"', index) == numbered
    assert "$" not in index


def test_the_index_has_a_picture_of_each_network():
    names = [name for entry in GALLERY.values() for name in entry.networks]
    for name, picture in zip(names, re.findall(r'<svg class="picture".*?</svg>', index_page()), strict=True):
        c, squares = load(name).model_config, [*map(float, re.findall(r'fill-opacity="(.*?)"', picture))]
        if not c.has_attention:
            assert 'aria-label="The final state while' in picture and len(squares) == 2 * c.cell_size
        elif name == "reversed-attention":
            assert np.reshape(squares, (4, 3))[:3].argmax(axis=1).tolist() == [2, 1, 0]


@needs_chromium
def test_a_page_has_the_title_of_its_entry_and_a_link_to_the_index(shared_tab, tmp_path):
    shown = ShownNetwork("numbers", shipped("embedding_rnn"))
    path = tmp_path / "page.html"
    path.write_text(build([shown], "Numbers & words", INDEX), encoding="utf-8")
    page = shared_tab.open(path, "", {"width": 320, "height": 600}, "light", "reduce")
    assert page.text_content("h1") == page.title() == "Numbers & words"
    assert page.get_by_role("link", name="All networks").get_attribute("href") == INDEX
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert shared_tab.errors == []


@needs_chromium
def test_the_index_is_accessible_on_a_small_dark_screen(shared_tab, tmp_path):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    path = tmp_path / "index.html"
    path.write_text(index_page(), encoding="utf-8")
    page = shared_tab.open(path, "", {"width": 320, "height": 600}, "dark", "reduce")
    assert axe.Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate("getComputedStyle(document.querySelector('.entry')).borderTopWidth") == "1px"  # has its style
    assert shared_tab.errors == []
