"""Trainings on texts from the command line: small, but real."""

import random
import signal
import unicodedata

import pytest
from helpers import SMALL, end, snapshot_in, start, wait_for

from seq2seq_demo.display.progress import TrainingReport
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.trained_network import load
from seq2seq_demo.training.snapshots import load_snapshot

CHARACTERS = ["--in-tokens", "characters", "--out-tokens", "characters"]
N = 300
FILES = ["--from-file", "train.tsv", "--validation-file", "dev.tsv"]


def write(path, pairs):
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs))


def write_random(folder, n_training=N, n_validation=50):
    """Write pairs of a text and its characters backwards, and others to validate with."""
    rng = random.Random(0)
    for name, n in (("train.tsv", n_training), ("dev.tsv", n_validation)):
        texts = ["".join(rng.choices("abé가😀", k=rng.randint(1, 4))) for _ in range(n)]
        write(folder / name, [(text, text[::-1]) for text in texts])


@pytest.mark.slow
def test_killed_and_interrupted_it_ends_with_the_same_bits(tmp_path, run, monkeypatch):
    """The same line starts it and, after a `kill -9` and after a Ctrl-C, resumes it."""
    write_random(tmp_path)
    argv = ["train", N, "--resume", *FILES, *CHARACTERS, *SMALL, "--batch-size", 4, "-r", 0.05, "-e", 9]
    argv += ["--keep-best", "--patience", 7, "--bidirectional", "--dropout", 0.2]
    status, _, err = run(*argv, "-o", "left alone")
    assert status == 0, err
    assert "No snapshot in .: starting afresh\n" in err
    process = start(tmp_path, *argv, "-o", "stopped")
    wait_for(lambda: snapshot_in(tmp_path) and load_snapshot(snapshot_in(tmp_path)).best)
    process.send_signal(signal.SIGKILL)
    assert end(process)[0] == -signal.SIGKILL

    def ctrl_c(report, step, points, loss, token_accuracy):
        if report.history and points < N:
            signal.raise_signal(signal.SIGINT)

    killed = load_snapshot(snapshot_in(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(TrainingReport, "on_steps_end", ctrl_c)
        status, _, err = run(*argv, "-o", "stopped")
    assert status == 130, err
    assert f"epoch {killed.progress.epoch + 1}, step {killed.network.step}\n" in err
    interrupted = load_snapshot(snapshot_in(tmp_path))
    assert (interrupted.progress.epoch, interrupted.progress.points) == (killed.progress.epoch + 1, 64 * 4)
    status, _, err = run(*argv, "-o", "stopped")
    assert status == 0, err
    assert f"epoch {interrupted.progress.epoch + 1}, step {interrupted.network.step}\n" in err
    assert (tmp_path / "stopped").read_bytes() == (tmp_path / "left alone").read_bytes()


@pytest.fixture
def snapshot(run, tmp_path, monkeypatch):
    """The options of a training of 20 pairs that could not be saved, so that its snapshot is left."""
    write_random(tmp_path, 20, 5)
    argv = ["--resume", *FILES, *CHARACTERS, *SMALL, "-e", 1, "-o", "w"]
    with monkeypatch.context() as patch:
        patch.setattr("seq2seq_demo.commands.train._save", _full)
        assert run("train", 20, *argv)[0] == 1
    assert snapshot_in(tmp_path)
    return argv


def _full(network, start):
    raise WeightsError("the disk is full")


@pytest.mark.parametrize("n", [[20], []])
def test_resume_checks_the_number_of_pairs_and_the_other_file(run, tmp_path, snapshot, n):
    dev = (tmp_path / "dev.tsv").read_text()
    status, _, err = run("train", 19, *snapshot)
    assert status == 2
    assert "has points 20, but the options ask for 19" in err
    for lines in (dev.splitlines(True)[:-1], [*dev.splitlines(True)[1:], "a\tbb\n"]):
        (tmp_path / "dev.tsv").write_text("".join(lines))
        status, _, err = run("train", *n, *snapshot)
        assert status == 2
        assert "expected the data that its training began with, got other data" in err
    (tmp_path / "dev.tsv").write_text(dev)
    without = [word for word in snapshot if word not in FILES[2:]]
    status, _, err = run("train", *without)
    assert (status, err.count("\n")) == (2, 1)
    assert "h5: that training also had a --validation-file: name it again\n" in err
    status, _, err = run("train", *n, *snapshot)
    assert status == 0, err
    assert "Resuming " in err
    saved = (tmp_path / "w").read_bytes()
    status, _, err = run("train", 20, *snapshot)
    last = "w is there already, and no snapshot: nothing to resume; leave out --resume to train again"
    assert (status, err) == (1, f"seq2seq-demo: error: {last}\n")
    assert (tmp_path / "w").read_bytes() == saved


def test_a_symbol_in_validation_that_training_lacks(run, tmp_path):
    """Its line, the symbol and the nearest ones are named, in sources and in targets."""
    words = ["--in-tokens", "words", "--out-tokens", "characters"]
    write(tmp_path / "train.tsv", [("the colour red", "é"), ("my flavour", "b")])
    for pair, message in [
        (
            ("the color", "b"),
            'dev.tsv, line 2: expected words that training saw, got "color" as number 2; the nearest is "colour"',
        ),
        (
            ("my flavour", "bE"),
            'dev.tsv, line 2, output: expected characters that training saw, got "E" as number 2; the nearest is "é"',
        ),
    ]:
        write(tmp_path / "dev.tsv", [("my red", "b"), pair])
        status, _, err = run("train", *FILES, *words, "-e", 1)
        assert (status, err.count("\n")) == (1, 1)
        assert f"{message}; leave the line out, as --keep-going does, or add a training pair that has it\n" in err


def test_train_keeps_going_over_lines_that_it_leaves_out(run, tmp_path):
    lines = ["ab\tX", "b\tY", "a\tX Y", "c\tX\tY", "d", "ba\tX"]
    (tmp_path / "train.tsv").write_text("\n".join(lines))
    write(tmp_path / "dev.tsv", [("ab", "X"), ("az", "X"), ("b", "Z"), ("b", "Y")])
    words = ["--in-tokens", "characters", "--out-tokens", "words"]
    train = ["train", *FILES, *words, *SMALL, "-e", 0, "-o", "w"]
    assert run(*train)[0] == 1
    status, _, err = run(*train, "--keep-going")
    assert status == 0, err
    assert "Left out 2 pairs of train.tsv, the first: train.tsv, line 4: expected a source, a tab and a target" in err
    assert (
        'Left out 2 pairs of dev.tsv, the first: dev.tsv, line 2: expected characters that training saw, got "z"' in err
    )
    vocabularies = load("w").vocabularies
    assert (vocabularies.source.symbols, vocabularies.target.symbols) == (("a", "b"), ("X", "Y"))  # none of a bad line
    (tmp_path / "dev.tsv").write_text("z\tX\n")
    status, _, err = run(*train, "--keep-going")
    assert (status, "expected pairs of a source and a target, got none" in err) == (1, True)
    status, _, err = run("train", 60, "--keep-going")
    assert (status, "expected --keep-going beside --from-file" in err) == (2, True)


@pytest.mark.slow
def test_scripts_of_the_world_are_learned_and_answered(run, tmp_path):
    """Text from right to left, syllables that may be typed as their letters, and emoji of several code points."""
    pairs = [
        ("سلام", "salām"),
        ("كتاب", "kitāb"),
        ("한국", "hanguk"),
        ("가방", "gabang"),
        ("👩\u200d👧", "😀"),
        ("👩", "한"),
    ]
    decomposed = [tuple(unicodedata.normalize("NFD", text) for text in pair) for pair in pairs]
    assert decomposed != pairs
    write(tmp_path / "train.tsv", [*pairs, *decomposed] * 10)
    write(tmp_path / "dev.tsv", pairs)
    settings = ["-m", "embedding_attention", "--cell-size", 16, "--batch-size", 12, "-r", 0.03, "-e", 25]
    status, _, err = run("train", *FILES, *CHARACTERS, *settings, "--stop-at-exact", 1, "-o", "w")
    assert status == 0, err
    assert load("w").reached.exact_match == 1
    assert load("w").vocabularies.source.symbols == tuple(sorted({*"".join(source for source, _ in pairs)}))
    expected = "".join(f"==> For input {source}, prediction={target}\n" for source, target in pairs)
    for typed in (pairs, decomposed):
        assert run("predict", "-i", "w", *[source for source, _ in typed])[1] == expected
    status, out, _ = run("evaluate", "-i", "w", "--from-file", "train.tsv")
    assert out.splitlines()[2] == "word error rate 0.00000, symbol error rate 0.00000"
    assert out.startswith("6 sources of train.tsv with 120 targets, of which any is right")


@pytest.mark.slow
def test_a_row_of_ten_thousand_characters_among_short_ones(run, tmp_path):
    rows = [("ab"[k % 2] * (1 + k % 3), "ab"[k % 2]) for k in range(40)]
    write(tmp_path / "train.tsv", [*rows[:20], ("ab" * 5000, "a"), *rows[20:]])
    status, out, err = run(
        "train", "--from-file", "train.tsv", *CHARACTERS, *SMALL, "--batch-size", 8, "-e", 1, "-o", "w"
    )
    assert status == 0, err
    assert "train.tsv, line 21: the source has 10000 symbols, almost all others at most 3: " in err
    assert "sources of 1-10000 symbols" in out
    assert (load("w").step, load("w").in_len) == (5, 10_000)
    status, out, _ = run("predict", "-i", "w", "ab" * 5000, "a")
    assert out.count("\n") == 2
