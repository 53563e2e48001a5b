"""The index of the gallery."""

import re

import pytest
from helpers_page import needs_chromium, shipped

from seq2seq_demo import load
from seq2seq_demo.files.atomic_files import is_own
from seq2seq_demo.files.file_names import shipped_networks
from seq2seq_demo.page.builder import Example, ShownNetwork, build
from seq2seq_demo.page.gallery import GALLERY, INDEX, build_index

pytestmark = pytest.mark.slow


def index_page():
    shown = {}
    for page, entry in GALLERY.items():
        networks = [load(shipped_networks()[name]) for name in entry.networks]
        shown[page] = [ShownNetwork("n", network, [Example([3, 1, 4], None, "")]) for network in networks]
    return build_index(shown)


def test_the_index_links_to_every_page_and_has_no_script():
    index = index_page()
    assert is_own(index.encode(), "a page")
    assert "script-src 'none'" in index
    assert "<script" not in index
    numbered = [(str(i), f"{name}.html") for i, name in enumerate(GALLERY, 1)]
    assert re.findall(r'<h2>(\d)\. <a href="(.*?)"', index) == numbered
    assert "$" not in index


def test_the_index_has_a_picture_of_each_network():
    networks = [name for entry in GALLERY.values() for name in entry.networks]
    pictures = re.findall(r'<svg class="picture" (.*?)</svg>', index_page())
    for name, picture in zip(networks, pictures, strict=True):
        c, answer = load(name).model_config, re.search(r'reads 3 1 4 and writes (.*?)"', picture)
        assert ('aria-label="Attention' in picture) == c.has_attention
        if name == "reversed-attention":
            heat = [float(share) for share in re.findall(r'class="heat".*?fill-opacity="(.*?)"', picture)]
            assert answer[1] == "4 1 3 END" and picture.count('class="cells"') == 12 and sum(heat) > 3.9
        if not c.has_attention:
            assert len(re.findall("(?:above|below)-zero", picture)) == 2 * c.cell_size


def test_no_page_asks_a_server_for_an_icon():
    for page in (index_page(), build([ShownNetwork("one", shipped("embedding_rnn"))])):
        assert '<link rel="icon" href="data:image/svg+xml,' in page
        assert "img-src data:;" in page


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
