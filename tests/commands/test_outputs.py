"""An output replaces only an empty file, or a file of its kind that this program wrote."""

import json
import re
from pathlib import Path

import pytest
from helpers import ATTENTION, finished_snapshot, save_random
from matplotlib.figure import Figure

from seq2seq_demo.files.atomic_files import is_own
from seq2seq_demo.trained import plots
from seq2seq_demo.trained.loading import load

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fast_steps")]
TRAIN = "train 20 -e 1 --cell-size 7 --embedding-size 5 -o new.h5"
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
        "package.json": b'{"name": "x"}',
        "epochs.json": json.dumps(epochs).encode(),
        "index.html": b"<!DOCTYPE html>\n<title>Mine</title>\n<p>Made by <code>seq2seq-demo page</code>",
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
    run.ok(f"{TRAIN} --history h.json")
    for suffix in ("svg", "png", "pdf"):
        plots.save(Figure(), Path(f"p.{suffix}"))
    for name in OURS["a page"]:
        run.ok(f"page -i w.h5 -o {name}")
    finished_snapshot("renamed.h5")
    write_foreign()
    for kind, ours in OURS.items():
        assert {path.name for path in Path().iterdir() if is_own(path.read_bytes(), kind)} == ours


@pytest.mark.parametrize(
    ("line", "outputs"),
    [
        (
            f"{TRAIN} --history h.json --history-plot p.svg",
            {"new.h5": "a weights file", "h.json": "a history", "p.svg": "a picture"},
        ),
        ("page -i w.h5 -o p.html", {"p.html": "a page"}),
        ("predict -i w.h5 3 1 --attention-plot p.svg", {"p.svg": "a picture"}),
    ],
)
def test_an_output_replaces_its_own_kind_an_empty_file_and_with_force_any_file(run, line, outputs):
    save_random("w.h5", ATTENTION)
    for name in outputs:
        Path(name).touch()
    for _ in range(2):
        run.ok(line)
        assert all(is_own(Path(name).read_bytes(), kind) for name, kind in outputs.items())
    for name, kind in outputs.items():
        own = Path(name).rename("own")
        Path("thesis").write_text("thesis")
        Path(name).symlink_to("thesis")
        run.refuses(line, f"error: {name} already exists and is not {kind} that this program wrote\n", 1)
        assert Path("thesis").read_text() == "thesis"
        own.replace(name)
    for name in outputs:
        Path(name).write_text("thesis")
    run.ok(f"{line} --force")
    assert all(is_own(Path(name).read_bytes(), kind) for name, kind in outputs.items())


def test_a_file_created_at_the_destination_during_training_is_kept(run, monkeypatch):
    from seq2seq_demo.training import trainer

    fit = trainer.fit

    def fit_and_create(*args):
        network = fit(*args)
        Path("new.h5").write_text("thesis")
        return network

    monkeypatch.setattr(trainer, "fit", fit_and_create)
    found = r"this program wrote; the snapshot is kept in s2s_checkpoint__new\.h5: resume it with `seq2seq-demo train"
    assert re.search(rf"new\.h5 already exists and is not .* {found}", run(TRAIN)[2])
    assert Path("new.h5").read_text() == "thesis"
    run.ok("train --resume -o new.h5 --force")
    assert load("new.h5").step == 1
