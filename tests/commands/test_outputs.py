"""An output replaces only an empty file, or a file of its kind that this program wrote."""

import json
import re
from pathlib import Path

import pytest
from helpers import ATTENTION, finished_snapshot, save_random
from matplotlib.figure import Figure

from seq2seq_demo.files.atomic_files import is_own
from seq2seq_demo.trained.trained_network import load

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fast_steps")]
PREDICT = "predict -i w.h5 0 1 2 3 4 5 6 7 8 9"
TRAIN = "train 20 -e 1 --cell-size 7 --embedding-size 5"
OURS = {
    "a weights file": {"w.h5", "new.h5"},
    "a page": {"p.html", "w.js"},
    "a history": {"h.json"},
    "a picture": {"p.svg", "p.png", "p.pdf"},
}


def write_foreign():
    """Write files of other programs that begin like outputs of this program or contain the same marks."""
    for suffix in ("png", "svg", "pdf"):
        Figure().savefig(f"thesis.{suffix}", metadata={"Title": "seq2seq-demo"})
    png, svg = Path("thesis.png").read_bytes(), Path("thesis.svg").read_bytes()
    epochs = [*json.loads(Path("h.json").read_text()), {"epoch": 2, "loss": 1.0}]
    contents = {
        "setup.cfg": b"[metadata]\nname = thesis\n",
        "package.json": b'{"name": "x"}',
        "epochs.json": json.dumps(epochs).encode(),
        "index.html": b"<!DOCTYPE html>\n<title>Mine</title>\n<p>Made by <code>seq2seq-demo page</code>",
        "mine.py": b"x = 1\n" * 200,
        "old.tfl": b"thesis" * 100 + Path("w.h5").read_bytes()[:512],
        # A document that includes a picture of this program also includes the metadata of the picture.
        "including.pdf": Path("p.pdf").read_bytes().replace(b"xref\n0", b"99 0 obj\n<< >>\nendobj\nxref\n0"),
        "including.svg": svg.replace(b"</svg>", Path("p.svg").read_bytes() + b"</svg>"),
        "including.png": png + Path("p.png").read_bytes(),
    }
    for name, content in contents.items():
        Path(name).write_bytes(content)


def test_the_files_of_this_program_are_recognised_by_kind(run):
    save_random("w.h5", ATTENTION)
    run.ok(f"{TRAIN} -o new.h5 --history h.json --history-plot p.svg")
    for suffix in ("png", "pdf"):
        run.ok(f"{PREDICT} --attention-plot p.{suffix}")
    for name in OURS["a page"]:
        run.ok(f"page -i w.h5 -o {name}")
    finished_snapshot("renamed.h5")
    write_foreign()
    for kind, ours in OURS.items():
        assert {path.name for path in Path().iterdir() if is_own(path.read_bytes(), kind)} == ours


@pytest.mark.parametrize(
    ("line", "output", "kind"),
    [
        (f"{TRAIN} -o", "x", "a weights file"),
        ("page -i w.h5 -o", "x.html", "a page"),
        (f"{TRAIN} -o new.h5 --history", "x.json", "a history"),
        (f"{TRAIN} -o new.h5 --history-plot", "x.svg", "a picture"),
        (f"{PREDICT} --attention-plot", "x.svg", "a picture"),
    ],
)
def test_an_output_replaces_its_own_kind_an_empty_file_and_with_force_any_file(run, line, output, kind):
    save_random("w.h5", ATTENTION)
    path = Path(output)
    path.touch()
    run.ok(f"{line} {output}")
    assert is_own(path.read_bytes(), kind)
    run.ok(f"{line} {output}")
    path.write_text("thesis")
    Path(f"link{path.suffix}").symlink_to(path)
    for name in (output, f"link{path.suffix}"):
        run.refuses(f"{line} {name}", f"error: {name} already exists and is not {kind} that this program wrote\n", 1)
    assert path.read_text() == "thesis"
    run.ok(f"{line} {output} --force")
    assert is_own(path.read_bytes(), kind)


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
