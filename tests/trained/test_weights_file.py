"""The weights file: saving, loading, files of earlier versions, and one-line errors for invalid files."""

import json
import os
import random
import resource
from dataclasses import astuple, replace
from pathlib import Path

import hostile
import numpy as np
import pytest
from helpers import TRAINED, UNKNOWN, random_weights, same_arrays, save_texts, trained_network

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.errors import Seq2SeqError, WeightsError
from seq2seq_demo.files import typed_json
from seq2seq_demo.files.atomic_files import is_own
from seq2seq_demo.network.parameters import initial_weights, weight_shapes
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.loading import load
from seq2seq_demo.trained.metrics import Epoch
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.saved_network import Progress, SavedNetwork, TrainingRun
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.training.snapshots import Snapshot, load_snapshot

METRICS = TRAINED["validation"]
HISTORY = History([Epoch(1, 80, 2.5, 0.25, *astuple(METRICS)), Epoch(2, 83, 1.5, 0.5, 0.1, *astuple(METRICS)[1:])])
ENDING, BOTH_WAYS = replace(TRAINED["model_config"], ends=True), replace(TRAINED["model_config"], bidirectional=True)


def network(**changes) -> TrainedNetwork:
    """A network with all metadata and Adam's moments."""
    shapes = weight_shapes(TRAINED["model_config"])
    moments = {f"{m}/{name}": np.full(shape, 0.5, np.float32) for m in "mv" for name, shape in shapes.items()}
    return trained_network(**{"step": 1234567, "moments": moments} | changes)


def same(a: TrainedNetwork, b: TrainedNetwork) -> bool:
    """Whether two networks are equal; arrays are compared by value."""
    arrays = [(x.weights | x.moments) for x in (a, b)]
    named = ("weights", "moments")
    rest = [{name: value for name, value in vars(x).items() if name not in named} for x in (a, b)]
    return same_arrays(*arrays) and rest[0] == rest[1]


@pytest.fixture(scope="module")
def content() -> bytes:
    return weights_file.to_bytes(network())


def edit(attribute, changes, within=None):
    """A change that updates the JSON of an attribute, in `networks` that of the first network or of its `within`."""

    def change(file):
        facts = json.loads(file.attrs[attribute])
        edited = facts[0] if attribute == "networks" else facts
        (edited[within] if within else edited).update(changes)
        file.attrs[attribute] = json.dumps(facts)

    return change


def refuses(path, message):
    """Require that loading a file raises a WeightsError with this message in one line; return the whole message."""
    with pytest.raises(WeightsError, match=message) as error:
        load(path)
    assert "\n" not in str(error.value)
    return str(error.value)


# ---- Round trips ----


def test_round_trip_under_any_name(tmp_path):
    for changes in [
        {},
        UNKNOWN | {"moments": {}, "step": 0},
        UNKNOWN | {"program": "TFLearnSeq2Seq", "step": 5},
        {"model_config": ENDING, "min_in_len": 2},
        {"model_config": ENDING},  # it has one length, but ends its answers
        {"model_config": BOTH_WAYS, "weights": random_weights(BOTH_WAYS), "moments": {}},
        {"moments_since": 1234567, "history": HISTORY},
    ]:
        name = "gewichte ä"
        saved = network(**changes)
        saved.save(f"{tmp_path}/{name}")  # a path can be a string
        loaded = load(tmp_path / name)
        assert same(loaded, saved)
        assert loaded.ends == (changes.get("model_config") is ENDING)
        with pytest.raises(WeightsError, match=f"{name}: expected a snapshot of this version, got weights"):
            load_snapshot(tmp_path / name)


def test_without_the_optimizer_a_file_is_a_third_as_large(tmp_path):
    saved = network(moments_since=3, others=(network(),))
    saved.save(tmp_path / "whole")
    saved.save(tmp_path / "part", optimizer=False)
    part = load(tmp_path / "part")
    assert same(part, replace(saved, moments={}, moments_since=0, others=part.others))
    assert same(part.others[0], network(moments={}))
    assert os.path.getsize(tmp_path / "part") < 0.4 * os.path.getsize(tmp_path / "whole")


def test_a_snapshot_is_loaded_as_it_was_saved(tmp_path):
    for changes, progress, fingerprint in [
        ({"history": HISTORY}, Progress(130, 12.25, 40.0), {"data": "abc", "fingerprint": "def"}),
        ({"task": "mine:f", "validation": None}, Progress(), {"fingerprint": "def"}),
    ]:
        run = replace(network().run, **fingerprint)
        latest = network(**{"run": run} | changes)
        tripled = {name: 3 * moment for name, moment in latest.moments.items()}
        at_best = {"weights": random_weights(latest.model_config, seed=9), "step": 77, "moments": tripled}
        for best in (None, replace(latest, **at_best)):
            (tmp_path / "w").write_bytes(Snapshot(latest, progress, best).to_bytes())
            loaded = load_snapshot(tmp_path / "w")
            assert (loaded.progress, loaded.run) == (progress, run)
            assert same(loaded.network, latest)
            assert same(loaded.best, best) if best else loaded.best is None
            assert same(load(tmp_path / "w"), latest)  # load() reads the latest network, not the best one
        wrong = replace(best, weights=best.weights | {"decoder/embedding": np.zeros(3, np.float32)})
        with pytest.raises(Seq2SeqError, match="decoder/embedding"):
            Snapshot(latest, progress, wrong).to_bytes()


# ---- Earlier versions: files in the folder `earlier`, which those versions wrote, and shipped weights ----

EARLIER = Path(__file__).parent / "earlier"


def test_a_network_of_version_2(tmp_path):
    loaded = load(EARLIER / "version_2.h5")
    assert loaded.vocabularies == Vocabularies(Vocabulary("characters", (*"abé",)), Vocabulary("words", ("x", "y")))
    assert (loaded.task, loaded.in_len, loaded.out_len, loaded.min_in_len, loaded.ends) == ("t.tsv", 5, 4, 1, True)
    assert (loaded.step, loaded.validation, loaded.run.start_step) == (9, METRICS, 0)
    assert loaded.run.config == TrainConfig(50, 5, 4, epochs=3, min_in_len=1, keep_best=True)
    assert is_own((EARLIER / "version_2.h5").read_bytes(), "a weights file")
    loaded.save(tmp_path / "w")
    assert same(load(tmp_path / "w"), loaded)


@pytest.mark.parametrize(("version", "step", "ends", "data"), [(2, 2, False, "abc"), (4, 28, False, None)])
def test_a_snapshot_of_an_earlier_version_is_read_as_a_network(version, step, ends, data):
    path = EARLIER / f"version_{version}_snapshot.h5"
    network = load(path)
    assert (network.step, network.ends, network.run.data) == (step, ends, data)
    assert not is_own(path.read_bytes(), "a weights file")
    with pytest.raises(WeightsError, match="expected a snapshot of this version, got weights"):
        load_snapshot(path)


def test_settings_that_no_longer_exist_are_ignored():
    """The snapshot of program 0.5.0 records `members`, `minutes` and the seconds of a time limit."""
    metadata = hostile.snapshot_metadata((EARLIER / "version_5_snapshot.h5").read_bytes())
    config = metadata["networks"][0]["run"]["config"]
    assert (config["members"], config["minutes"], metadata["progress"]["seconds"]) == (2, 1.5, 10.0)
    snapshot = load_snapshot(EARLIER / "version_5_snapshot.h5")
    assert snapshot.progress == Progress()
    assert snapshot.run.config == TrainConfig(60, 4, 4, epochs=2, seed=1)


def test_an_ensemble_of_version_3():
    ensemble = load(EARLIER / "version_3_ensemble.h5")
    assert is_own((EARLIER / "version_3_ensemble.h5").read_bytes(), "a weights file")
    assert [network.step for network in ensemble.members] == [9, 10]
    for seed, network in enumerate(ensemble.members):
        assert same_arrays(network.weights, initial_weights(network.model_config, seed))
        config = TrainConfig(50, 5, 4, epochs=3, keep_best=True, seed=seed)
        assert network.run == TrainingRun(config, 7, "abc", "def")
        assert (network.calibration.temperature, network.moments_since) == (1.25, 7)
        assert network.vocabularies.target == Vocabulary("words", ("x", "y"), form="NFKC", lowercase=True)


@pytest.mark.parametrize("min_in_len", [None, 11])
def test_versions_1_and_2_end_their_answers_if_they_record_a_shortest_length(min_in_len):
    """A file must not choose where to write: its output path and name are ignored."""
    data = {"data": "abc", "fingerprint": "def"}
    run = {"start_step": 0, "seed": 0, "output": "/etc/w", "name": "n", "budget": 2} | data
    training = {"pattern": "sorted", "min_in_len": min_in_len, "trained": run, "reached": {}, "progress": {}}
    (upgraded,) = weights_file.upgrade(2, {"model": {}, "training": training})["networks"]
    assert upgraded["model_config"] == {"ends": min_in_len is not None}
    parsed = typed_json.parse(TrainingRun, upgraded["run"], "run")
    assert parsed == TrainingRun(TrainConfig(seed=0), 0, **data)


def test_other_versions_are_refused(tmp_path):
    path, content = tmp_path / "w", (EARLIER / "version_3_ensemble.h5").read_bytes()
    path.write_bytes(hostile.with_checksum(content[512:].replace(b'"pattern"', b'"pattens"'), 3))
    refuses(path, f"^{path}: unknown key 'pattens'; the known keys are .*$")
    path.write_bytes(hostile.with_checksum(content[512:], 6))
    refuses(path, f"^{path}: expected a weights file of version 1 to 5, got version 6")


# ---- Text ----


LETTERS = "characters", (" ", '"', "\\", "\u00e9", "\u0301", "\u200d", "س", "한", "😀")
WORDS = "words", ("AH0", "HH", "안녕", "👩\u200d👧")
ONE, NUMBERS = ("words", ("a",)), ("integers",)


def test_vocabularies_are_kept(tmp_path):
    for sides in ((LETTERS, WORDS), (WORDS, LETTERS), (LETTERS, NUMBERS), (NUMBERS, WORDS), (ONE, ONE)):
        saved = save_texts(tmp_path / "w", *sides)
        loaded = load(tmp_path / "w")
        assert same(loaded, saved)
        assert weights_file.to_bytes(loaded) == (tmp_path / "w").read_bytes()
    with pytest.raises(WeightsError, match="a network of characters or words must end its answers"):
        weights_file.to_bytes(replace(saved, model_config=replace(saved.model_config, ends=False)))


# ---- Invalid files ----


@pytest.mark.slow
def test_a_file_that_is_damaged_anywhere_is_refused(tmp_path, content):
    """The file is truncated, or one bit is flipped."""
    rng, path = random.Random(1), tmp_path / "w"
    files = [content[:length] for length in [*range(0, 600, 40), *(rng.randrange(len(content)) for _ in range(10))]]
    for position in [*range(100), *range(100, 512, 40), *(rng.randrange(len(content)) for _ in range(10))]:
        flipped = content[position] ^ 1 << rng.randrange(8)
        files.append(content[:position] + bytes([flipped]) + content[position + 1 :])
    for damaged in files:
        path.write_bytes(damaged)
        refuses(path, rf"^{path}: [^\n]*$")


def test_an_edited_file_is_refused_even_with_a_new_checksum(tmp_path, content):
    for change, message in [
        (edit("networks", {"model": "no"}, "model_config"), "unknown `model` 'no'"),
        (edit("networks", {"run": {}}), "the key 'config' is missing"),
        (lambda file: file.attrs.update(other="{}"), r"expected networks, vocabularies, got \['networks', 'other'"),
        (edit("networks", {"moments_since": 1234568}), "expected moments_since to be at most 1234567, got 1234568"),
        (edit("networks", {"calibration": {"temperature": 0}}), "expected a usable calibration, got 0.0, 0.0"),
        (edit("networks", {"in_len": 100_001}), "expected in_len to be at most 100000, got 100001"),
        (edit("networks", {"min_in_len": 12}), "expected lengths from shortest to longest, got 12 to 11"),
    ]:
        (tmp_path / "w").write_bytes(hostile.edited(content, change))
        refuses(tmp_path / "w", message)


def test_invalid_networks_are_not_saved(tmp_path):
    for change, message in [
        (lambda net: net.weights["decoder/attention/score"].fill(np.nan), "attention/score' contains numbers above"),
        (lambda net: net.weights.pop("decoder/embedding"), "missing weight 'decoder/embedding'"),
        (lambda net: net.moments.pop("m/decoder/embedding"), "missing weight 'optimizer/m/decoder/embedding'"),
        (lambda net: object.__setattr__(net, "step", -1), "expected step to be an integer of at least 0, got -1"),
    ]:
        broken = network()
        change(broken)
        with pytest.raises(Seq2SeqError, match=message):
            broken.save(tmp_path / "w")
        assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_every_hostile_file_is_refused_with_a_one_line_error(tmp_path):
    """Each file has a valid checksum."""
    before, path = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, tmp_path / "w"
    path.write_bytes(hostile.snapshot_content())
    load(path)  # the file that the cases change
    files = dict(hostile.hostile_files(tmp_path))
    assert len(files) > 190
    for name, content in files.items():
        path.write_bytes(content)
        message = refuses(path, f"^{path}: ")
        assert "\x1b" not in message, name
        assert len(message) < 400, name
        assert hostile.SECRET[:10].decode() not in message, name
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


@pytest.mark.slow
def test_changed_bytes_under_a_valid_checksum_give_a_network_or_a_one_line_error(tmp_path):
    content = hostile.small_content()
    refused = 0
    for seed in range(50):
        (tmp_path / "w").write_bytes(hostile.mutated(content, random.Random(seed)))
        try:
            load(tmp_path / "w")
        except Seq2SeqError as error:
            refused += 1
            assert "\n" not in str(error)
    assert 10 < refused < 40


def test_changed_metadata_of_an_earlier_version_gives_a_network_or_a_one_line_error():
    content = (EARLIER / "version_3_ensemble.h5").read_bytes()
    metadata = hostile.snapshot_metadata(content)
    refused = 0
    for number, path in enumerate(hostile.paths(metadata)[1:]):
        changed = hostile.with_value(metadata, path, ({}, None, 7, "x", [])[number % 5])
        try:
            weights_file.parse_metadata(weights_file.upgrade(3, changed), SavedNetwork)
        except Seq2SeqError as error:
            refused += 1
            assert "\n" not in str(error)
        except (AttributeError, KeyError, TypeError, ValueError):  # as its docstring says
            refused += 1
    assert refused > 75
