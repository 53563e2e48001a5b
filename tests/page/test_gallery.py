"""The index of the gallery."""

import re

import pytest
from helpers_page import needs_chromium, shipped

from seq2seq_demo.files.atomic_files import is_own
from seq2seq_demo.files.file_names import shipped_networks
from seq2seq_demo.page.builder import ShownNetwork, build
from seq2seq_demo.page.gallery import GALLERY, INDEX, build_index

pytestmark = pytest.mark.slow


def test_the_index_links_to_every_page_and_has_no_script():
    index = build_index()
    assert is_own(index.encode(), "a page")
    assert "script-src 'none'" in index
    assert "<script" not in index
    assert re.findall(r'href="(.*?)"', index) == [f"{name}.html" for name in GALLERY]
    assert "$" not in index
    assert {name for entry in GALLERY.values() for name in entry.networks} <= {*shipped_networks()}


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
    path.write_text(build_index(), encoding="utf-8")
    page = shared_tab.open(path, "", {"width": 320, "height": 600}, "dark", "reduce")
    assert axe.Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate("getComputedStyle(document.querySelector('.entry')).borderTopWidth") == "1px"  # has its style
    assert shared_tab.errors == []
