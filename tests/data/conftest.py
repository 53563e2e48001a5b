import os
from types import SimpleNamespace

import pytest


@pytest.fixture
def write(monkeypatch):
    """Replace standard input by a pipe; the function writes bytes to it, or closes it if given None."""
    reading, writing = os.pipe()
    with open(reading, "rb") as stdin, open(writing, "wb", buffering=0) as pipe:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stdin))
        yield lambda text: pipe.close() if text is None else pipe.write(text)
