"""The `page` command."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from helpers import save_random, save_texts

from seq2seq_demo import load
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.files.atomic_files import is_own
from seq2seq_demo.page import gallery

SMALL = ModelConfig("embedding_attention", cell_size=4, embedding_size=3)


def networks_in(path):
    """Return the networks in a page's data."""
    page = Path(path).read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])["networks"]


def test_a_page_of_a_file_and_of_a_shipped_network(run):
    save_random("mine.h5", SMALL)
    wrote = "Using weights mine.h5\nWrote mine.html: open it in a browser\n"
    assert run.ok("page -i mine.h5 -o mine.html") == ("", wrote)
    (mine,) = networks_in("mine.html")
    assert (mine["name"], mine["pattern"], mine["in_len"]) == ("mine", "reversed", 10)
    run.ok("page -p sorted -m embedding_attention -o shipped.html")
    (shipped,) = networks_in("shipped.html")
    assert (shipped["name"], shipped["ends"], shipped["in_len"]) == ("sorted-attention", True, 20)


def test_pairs_from_a_file_become_examples(run):
    save_texts("g2p.h5", ("characters", ("a", "b", "é")), ("words", ("X", "Y")))
    Path("t.tsv").write_text("ab\tX Y\ne\u0301\tY\n", encoding="utf-8")
    _, err = run.ok("page -i g2p.h5 --from-file t.tsv -o t.html")
    (data,) = networks_in("t.html")
    assert f"The page offers {len(data['examples'])} of the 2 pairs in t.tsv\n" in err
    assert (data["source"]["symbols"], data["target"]["words"]) == (["a", "b", "é"], [])
    assert data["task_description"].endswith(": from characters to words")
    assert [(x["source"], x["target"]) for x in data["examples"][:2]] == [([0, 1], [0, 1]), ([2], [1])]
    run.ok("page -i g2p.h5 -o t3.html ba é")
    assert [(x["source"], x["target"]) for x in networks_in("t3.html")[0]["examples"]] == [([1, 0], None), ([2], None)]


@pytest.mark.slow
def test_a_shipped_network_has_its_examples_and_phones_have_words(run):
    run.ok("page -i g2p -o g2p.html")
    run.ok("page -i g2p knight mass -o words.html")
    (plain,), (typed,) = networks_in("g2p.html"), networks_in("words.html")
    sources = ["".join(plain["source"]["symbols"][n] for n in example["source"]) for example in plain["examples"]]
    assert sorted(sources) == sorted(source for source, _ in gallery.EXAMPLES["g2p"])
    knight, mass, *others = typed["examples"]
    assert knight in plain["examples"] and mass["target"] is None
    assert others == [example for example in plain["examples"] if example != knight]
    phones, words = plain["target"]["symbols"], plain["target"]["words"]
    for phone, answer in zip(phones, load("g2p").predict(words), strict=True):
        assert phone in answer.split()
    assert Path("g2p.html").stat().st_size < 2_880_000


def test_a_user_function_makes_the_targets(run):
    Path("mine.py").write_text("def twice(source):\n    return [x for x in source for _ in range(2)]\n")
    save_random("w.h5", SMALL, task="mine:twice", in_len=3, out_len=6)
    assert run("page -i w.h5 -p mine.py:twice -o w.html")[0] == 0
    (data,) = networks_in("w.html")
    for example in data["examples"]:
        assert example["target"] == [symbol for symbol in example["source"] for _ in range(2)]
    assert data["pattern"] is None


def test_several_networks_read_pairs_from_a_pipe(run):
    for name in ("v.h5", "w.h5"):
        save_random(name, SMALL, in_len=3, out_len=3)
    run.reads("1 2 3\t3 2 1\n")
    run.ok("page -i v.h5 -i w.h5 --from-file - -o x.html")
    for shown in networks_in("x.html"):
        assert shown["examples"][0]["target"] == [3, 2, 1]


@pytest.mark.slow
def test_the_gallery_has_a_page_for_each_entry_and_an_index_that_links_to_it(run, monkeypatch):
    entries = {name: gallery.GALLERY[name] for name in ("train", "reversing")}
    monkeypatch.setattr("seq2seq_demo.commands.page.GALLERY", entries)
    for _ in range(2):  # the second one replaces the first
        _, err = run.ok("page --gallery new")
        assert err.endswith(f"Wrote {Path('new/index.html')} and 2 pages: open the index in a browser\n")
    assert sorted(os.listdir("new")) == ["index.html", "links.html", "reversing.html", "theory.html", "train.html"]
    assert [data["name"] for data in networks_in("new/reversing.html")] == ["with attention", "without attention"]
    reversing = Path("new/reversing.html").read_text(encoding="utf-8")
    assert '<a href="index.html">All networks</a>' in reversing
    assert "<title>Reversing, with and without attention</title>" in reversing
    assert len(reversing) < 390_000
    assert Path("new/train.html").stat().st_size <= 350_000


def test_a_page_of_networks_that_train_needs_no_file(run):
    assert run("page --train t.html") == (0, "", "Wrote t.html: open it in a browser\n")
    assert 'id="data">{"training":{' in Path("t.html").read_text(encoding="utf-8")


def test_a_gallery_replaces_only_pages(run, monkeypatch):
    monkeypatch.setattr("seq2seq_demo.commands.page.GALLERY", {"numbers": gallery.GALLERY["numbers"]})
    for name in ("index.html", "links.html"):
        Path("mine").mkdir()
        Path("mine", name).write_text("mine")
        Path("mine/notes").write_text("mine")
        expected = "already exists and is not a page that this program wrote"
        run.refuses("page --gallery mine", f"error: {Path('mine', name)} {expected}", 1)
        assert sorted(os.listdir("mine")) == [name, "notes"]
        run.ok("page --gallery mine --force")
        assert is_own(Path("mine/index.html").read_bytes(), "a page")
        assert Path("mine/notes").read_text() == "mine"
        shutil.rmtree("mine")
