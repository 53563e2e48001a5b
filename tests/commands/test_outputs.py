"""An output replaces only an empty file, or a file of its kind that this program wrote."""

import json
import re
from pathlib import Path

import pytest
from helpers import ATTENTION, finished_snapshot, save_random
from matplotlib.figure import Figure

from seq2seq_demo.trained.trained_network import load

pytestmark = pytest.mark.usefixtures("fast_steps")
PREDICT = "predict -i w.h5 0 1 2 3 4 5 6 7 8 9"
TRAIN = "train 20 -e 1 --cell-size 7 --embedding-size 5"
LINES = {
    "weights": f"{TRAIN} -o ",
    "page": "page -i w.h5 -o ",
    "history": f"{TRAIN} -o new.h5 --history ",
    "history plot": f"{TRAIN} -o new.h5 --history-plot ",
    "attention plot": f"{PREDICT} --attention-plot ",
}
MESSAGE = "that this program wrote\n"


def write_foreign(folder):
    """Write files of other programs that begin like outputs of this program or contain the same marks."""
    header = Path("w.h5").read_bytes()[:512]
    epoch = json.loads(Path("h.json").read_text())[0]
    texts = {
        "setup.cfg": "[metadata]\nname = thesis\n",
        "package.json": '{"name": "x"}',
        "epochs.json": json.dumps([epoch, {"epoch": 2, "loss": 1.0}]),
        "index.html": "<!DOCTYPE html>\n<title>Mine</title>\n<p>Made by <code>seq2seq-demo page</code>",
        "mine.py": "x = 1\n" * 200,
    }
    contents = {name: text.encode() for name, text in texts.items()}
    contents["old.tfl"] = b"thesis" * 100 + header
    for suffix in ("png", "svg", "pdf"):
        Figure().savefig(f"thesis.{suffix}", metadata={"Title": "seq2seq-demo"})
        contents[f"thesis.{suffix}"] = Path(f"thesis.{suffix}").read_bytes()
    # A document that includes a picture of this program also includes the metadata of the picture.
    contents["including.pdf"] = Path("p.pdf").read_bytes().replace(b"xref\n0", b"99 0 obj\n<< >>\nendobj\nxref\n0")
    contents["including.svg"] = contents["thesis.svg"].replace(b"</svg>", Path("p.svg").read_bytes() + b"</svg>")
    contents["including.png"] = contents["thesis.png"] + Path("p.png").read_bytes()
    for name, content in contents.items():
        Path(folder, name).write_bytes(content)
    return contents


WRITTEN: dict[str, bytes] = {}  # the outputs, written by the first test


@pytest.fixture
def outputs(run):
    """The command line in a folder with an output of each kind."""
    if not WRITTEN:
        save_random("w.h5", ATTENTION)
        run.ok(f"{TRAIN} -o new.h5 --history h.json --history-plot p.svg")
        for suffix in ("png", "pdf"):
            run.ok(f"{PREDICT} --attention-plot p.{suffix}")
        run.ok("page -i w.h5 -o p.html")
        WRITTEN.update({path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()})
    for name, content in WRITTEN.items():
        Path(name).write_bytes(content)
    return run


OURS = {
    "weights": ["w.h5"],
    "page": ["p.html"],
    "history": ["h.json"],
    "history plot": ["p.svg", "p.png", "p.pdf"],
    "attention plot": ["p.svg", "p.png", "p.pdf"],
}


def test_no_output_replaces_a_file_of_another_program(outputs):
    finished_snapshot("renamed.h5")
    foreign = write_foreign(".")
    ours = {name: Path(name).read_bytes() for names in (*OURS.values(), ["renamed.h5"]) for name in names}
    for kind, line in LINES.items():
        for name, content in (foreign | ours).items():
            is_input = name == "w.h5" and line.startswith(("page", "predict"))
            is_picture = name.endswith((".png", ".svg", ".pdf"))
            if name not in OURS[kind] and not is_input and (is_picture or "plot" not in kind):
                err = outputs.refuses(line + name, MESSAGE, 1)
                assert f"error: {name} already exists and is not " in err
            assert Path(name).read_bytes() == content


@pytest.mark.slow
def test_outputs_replace_their_own_kind_and_empty_files_and_with_force_any_file(outputs):
    for kind, line in LINES.items():
        for name in OURS[kind] if kind == "attention plot" else ():  # the same function writes all pictures
            outputs.ok(line + name)
        path = Path(f"other{Path(OURS[kind][0]).suffix}")
        for content, options in ((b"", ""), (b"thesis", " --force")):
            path.write_bytes(content)
            outputs.ok(f"{line}{path}{options}")
            assert path.stat().st_size > len(content)
        outputs.ok(f"{line}{path}")


def test_a_file_created_at_the_destination_during_training_is_kept(run, monkeypatch):
    from seq2seq_demo.training import trainer

    fit = trainer.fit

    def fit_and_create(*args):
        network = fit(*args)
        Path("w.h5").write_text("thesis")
        return network

    monkeypatch.setattr(trainer, "fit", fit_and_create)
    found = r"this program wrote; the snapshot is kept in s2s_checkpoint__w\.h5: resume it with `seq2seq-demo train"
    assert re.search(rf"w\.h5 already exists and is not .* {found}", run(f"{TRAIN} -o w.h5")[2])
    assert Path("w.h5").read_text() == "thesis"
    run.ok("train --resume -o w.h5 --force")
    assert load("w.h5").step == 1
