import json
import tomllib

import pytest
from helpers import ROOT, save_random

import seq2seq_demo
from seq2seq_demo.files.file_names import shipped_networks
from seq2seq_demo.trained.loading import load


def test_every_shipped_file_has_a_name():
    networks = shipped_networks().values()
    files = next(iter(networks)).parent.iterdir()
    assert {*networks} == {file for file in files if file.suffix not in (".LICENSE", ".md")}


def test_networks_lists_every_shipped_network(run):
    status, out, err = run("networks")
    assert (status, err) == (0, "")
    measured, blank, header, *rows = out.splitlines()
    assert measured == "Exact match is measured free-running on the validation data."
    assert (blank, header.split()) == ("", ["network", "lengths", "weights", "exact", "match"])
    assert [row.split()[0] for row in rows] == list(shipped_networks())
    cells = {row.split()[0]: row.split(maxsplit=4) for row in rows}
    assert cells["sorted-attention"][1:] == ["1-20", "19,031", "1.0000", "Ascending order."]
    assert cells["added-attention"][1:4] == ["2-20", "59,607", "0.4178"]
    assert all(len(row) == 5 for row in cells.values()), "a network has no description"


@pytest.mark.parametrize("command", ["patterns", "networks"])
def test_json_has_the_facts_that_python_returns(run, command):
    lines = map(json.loads, run.ok(f"{command} --json")[0].splitlines())
    facts = getattr(seq2seq_demo, command)()
    assert {line.pop("name"): line for line in lines} == json.loads(json.dumps(facts))


def test_shipped_names_work_in_any_directory(run):
    status, out, err = run("predict -i reversed-attention 7 0 7 0 1")
    assert (status, out) == (0, "==> For input [7, 0, 7, 0, 1], prediction=[1 0 7 0 7] (expected=[1 0 7 0 7])\n")
    assert err == f"Using weights {shipped_networks()['reversed-attention']}\n"
    status, _, err = run("train -i sorted-rnn -e 0 -o copy.h5")
    assert (status, load("copy.h5").step) == (0, load(shipped_networks()["sorted-rnn"]).step), err


def test_a_local_file_hides_a_shipped_network(run, tmp_path):
    save_random(tmp_path / "sorted-rnn")
    assert run.ok("predict -i sorted-rnn 0 1 2 3 4 5 6 7 8 9")[1] == "Using weights sorted-rnn\n"
    (tmp_path / "copy-rnn").symlink_to("nothing")
    run.refuses("predict -i copy-rnn 1", "error: copy-rnn: no such file", 1)
    (tmp_path / "g2p").write_text("notes")
    for command in ("predict hello", "evaluate", "train 50"):
        run.refuses(f"{command} -i g2p", "error: g2p: neither a weights file of this program nor a 2016 checkpoint", 1)
    (tmp_path / "reversed-rnn").mkdir()
    run.ok("predict -i reversed-rnn 0 1 2 3 4 5 6 7 8 9")


def test_the_licence_of_cmudict_is_shipped_with_g2p():
    folder = shipped_networks()["sorted-rnn"].parent
    first, _, licence = (folder / "g2p.LICENSE").read_text().partition("\n")
    assert "trained on CMUdict" in first
    assert licence.startswith("\nCopyright (C) 1993-2015 Carnegie Mellon University.")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "trained_weights/*.LICENSE" in project["project"]["license-files"]
    assert "trained_weights" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
