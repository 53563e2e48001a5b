"""Gives output options the names of files of a different kind; no file may be lost."""

import contextlib
import gzip
import io
import json
import os
import pickle
import random
import shlex
import shutil
import signal
import sys
import tempfile
import zipfile
from pathlib import Path

from attacks.running import SMALL, run_guarded

N_CASES = 1000
TRAIN = f"train 40 -p reversed -e 1 {shlex.join(SMALL)}"
PREDICT = "predict -i reversed-attention --from-file sources"
PAGE = "page -i reversed-attention --from-file sources"
PICTURES = (".png", ".svg", ".pdf")
OUTPUTS = [  # a command that ends with an output option, the kind of the output, and the suffixes of its name
    (f"{TRAIN} -o", "weights", (".h5", "")),
    (f"{TRAIN} -o other.h5 --history", "history", (".json", ".cfg", "")),
    (f"{TRAIN} -o other.h5 --history-plot", "picture", PICTURES),
    (f"{PREDICT} --attention-plot", "picture", PICTURES),
    (f"{PAGE} -o", "page", (".html", "")),
]


def outputs_that_exist() -> tuple[int, list[str]]:
    """Give each output option the name of a file that this program did not write, or wrote for a different option."""
    own = _files_of_this_program()
    foreign = _files_of_other_programs()

    def attempt(number: int) -> None:
        rng = random.Random(number)
        signal.alarm(60)  # the first training run loads TensorFlow
        line, kind, suffixes = rng.choice(OUTPUTS)
        others = [content for other, content in own if other != kind]
        content = rng.choice(others) if rng.random() < 0.2 else _changed(rng.choice(foreign), rng)
        folder = Path(tempfile.mkdtemp())
        os.chdir(folder)
        _attempt(line, f"output{rng.choice(suffixes)}", content, rng)
        os.chdir("/")
        shutil.rmtree(folder)

    return run_guarded(N_CASES, attempt)


def _attempt(line: str, output: str, content: bytes, rng: random.Random) -> None:
    """Run a command whose output path is a file with this content, or a link to one."""
    target = Path("elsewhere" if rng.random() < 0.2 else output)
    target.write_bytes(content)
    if target.name != output:
        Path(output).symlink_to(target)
    Path("sources").write_text("1 2\n")
    status, err = _main([*line.split(), output])
    described = f"{line} {output}, {content[:30]!r}: status {status}, {err[-300:]}"
    assert target.read_bytes() == content, described
    assert "unexpected" not in err, described
    assert (status, err.count("error:")) == (1, 1), described


def _main(argv: list[str]) -> tuple[int, str]:
    """Run the program in this process; return its status and its standard error."""
    from seq2seq_demo.commands.cli import main

    err = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
        return main(argv), err.getvalue()


def _files_of_this_program() -> list[tuple[str, bytes]]:
    """Return, for each output option, the kind of its output and the content of a file that it wrote."""
    folder = Path(tempfile.mkdtemp())
    (folder / "sources").write_text("1 2\n")
    outputs = ["o.h5", "o.json", "o.png", "o.svg", "o.pdf", "o.html"]
    kinds = ["weights", "history", *["picture"] * 3, "page"]
    plots = [f"{PREDICT} --attention-plot o{suffix}" for suffix in PICTURES]
    pid = os.fork()
    if pid == 0:  # keeps this process free of TensorFlow, which does not survive a fork
        os.chdir(folder)
        lines = [f"{TRAIN} -o o.h5 --history o.json", *plots, f"{PAGE} -o o.html"]
        results = [_main(line.split()) for line in lines]
        print(*(err for status, err in results if status), sep="", end="", file=sys.stderr, flush=True)
        os._exit(any(status for status, _ in results))
    assert os.waitpid(pid, 0)[1] == 0
    return [(kind, (folder / name).read_bytes()) for kind, name in zip(kinds, outputs, strict=True)]


def _files_of_other_programs() -> list[bytes]:
    import h5py
    import numpy as np
    from matplotlib.figure import Figure

    texts = [
        "[metadata]\nname = thesis\n",
        "[x] buy milk",
        "a,b\n1,2\n",
        "# Thesis\n",
        "x = 1\n" * 200,
        "\n",
        "\0",
        "a",
    ]
    texts += ['{"name": "x", "version": "1"}', "[]", "[1, 2]", "{", "null", "[" * 100_000, "\ufeff[]", '{"cells": []}']
    texts += [
        json.dumps([{"epoch": 1, "loss": 0.5}]),
        "seq2seq-demo weights\n",  # without the version that our files contain
        "<!-- seq2seq-demo page -->",
    ]
    texts += ["{\\rtf1 thesis}", "<!DOCTYPE html>\n<title>Mine</title>", "<svg></svg>", "%PDF-1.7\n"]
    contents = [text.encode() for text in texts]
    contents += ["thesis".encode("utf-16"), b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\x89HDF\r\n\x1a\n"]
    contents += [pickle.dumps([1]), gzip.compress(b"thesis"), b"SQLite format 3\0"]
    for suffix in PICTURES:
        Figure().savefig(picture := io.BytesIO(), format=suffix[1:], metadata={"Title": "seq2seq-demo"})
        contents.append(picture.getvalue())
    with h5py.File(hdf5 := io.BytesIO(), "w") as file:
        file["data"] = np.ones(3)
    np.savez(arrays := io.BytesIO(), a=np.ones(3))
    with zipfile.ZipFile(archive := io.BytesIO(), "w") as packed:
        packed.writestr("thesis.txt", "thesis")
    return [*contents, *(file.getvalue() for file in (hdf5, arrays, archive))]


def _changed(content: bytes, rng: random.Random) -> bytes:
    """Return the content of a foreign file, half of the time with bytes added or removed."""
    start, junk = rng.randrange(len(content)), rng.randbytes(rng.randrange(1, 20))
    changes = [content[: start + 1], content + junk, junk + content, content[:start] + junk + content[start:]]
    return rng.choice([*changes, *[content] * 4])
