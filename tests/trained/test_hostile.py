"""Hostile weights files with valid checksums: each is refused quickly, with a one-line error."""

import random
import resource
import time
from pathlib import Path

import pytest
from hostile import (
    SECRET,
    hostile_files,
    mutated,
    paths,
    small_content,
    snapshot_content,
    snapshot_metadata,
    with_value,
)

from seq2seq_demo.errors import Seq2SeqError, WeightsError
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.saved_network import SavedNetwork
from seq2seq_demo.trained.trained_network import load


@pytest.mark.slow
def test_every_hostile_file_is_refused_with_a_one_line_error(tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (tmp_path / "w").write_bytes(snapshot_content())
    load(tmp_path / "w")  # the file that the cases change
    files = dict(hostile_files(tmp_path))
    assert len(files) > 200
    for name, content in files.items():
        (tmp_path / "w").write_bytes(content)
        start = time.monotonic()
        with pytest.raises(WeightsError) as error:
            load(tmp_path / "w")
        assert time.monotonic() - start < 2, name
        message = str(error.value)
        assert message.startswith(f"{tmp_path}/w: "), name
        assert "\n" not in message, name
        assert "\x1b" not in message, name
        assert len(message) < 400, name
        assert SECRET[:10].decode() not in message, name
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


@pytest.mark.slow
def test_changed_bytes_under_a_valid_checksum_give_a_network_or_a_one_line_error(tmp_path):
    content = small_content()
    refused = 0
    for seed in range(100):
        (tmp_path / "w").write_bytes(mutated(content, random.Random(seed)))
        try:
            load(tmp_path / "w")
        except Seq2SeqError as error:
            refused += 1
            assert "\n" not in str(error)
    assert 20 < refused < 80


def test_changed_metadata_of_an_earlier_version_gives_a_network_or_a_one_line_error():
    content = (Path(__file__).parent / "earlier" / "version_3_ensemble.h5").read_bytes()
    metadata = snapshot_metadata(content)
    refused = 0
    for number, path in enumerate(paths(metadata)[1:]):
        for value in ({}, (None, 7, "x", [])[number % 4]):
            try:
                weights_file.parse_metadata(weights_file.upgrade(3, with_value(metadata, path, value)), SavedNetwork)
            except Seq2SeqError as error:
                refused += 1
                assert "\n" not in str(error)
            except (AttributeError, KeyError, TypeError, ValueError):  # as its docstring says
                refused += 1
    assert refused > 150
