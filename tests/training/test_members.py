"""Training runs of several networks."""

from dataclasses import replace

import pytest
from helpers import PYTHON, Watcher, end, pairs_of, same_arrays, snapshot_in, snapshots_in_memory

from seq2seq_demo import train
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import weights_file
from seq2seq_demo.trained_network import untrained
from seq2seq_demo.training import trainer
from seq2seq_demo.training.recorder import start_recording
from seq2seq_demo.training.snapshots import load_snapshot, training_id
from seq2seq_demo.training.trainer import Trainer, fit
from seq2seq_demo.training.validation import validation_figures

PAIRS = PairTask("p", pairs_of(*([[n % 7, n % 5, n % 3][: 1 + n % 3], [n % 4, n % 2]] for n in range(60))))
MODEL = ModelConfig("embedding_attention", "GRUCell", 1, 7, 5, ends=True)
SETTINGS = {"learning_rate": 0.02, "epochs": 2, "batch_size": 4, "dropout": 0.2, "keep_best": True}
CONFIG = PAIRS.sized(TrainConfig(**SETTINGS, seed=3, members=3), MODEL, None, None)


@pytest.mark.slow
def test_each_member_is_the_network_of_its_seed_and_the_steps_are_compiled_once(monkeypatch):
    compiled, watcher, built = [], Watcher(), Trainer.__init__

    def counted(self, *arguments):
        compiled.append(self)
        built(self, *arguments)

    monkeypatch.setattr(Trainer, "__init__", counted)
    together = fit(PAIRS, CONFIG, untrained(MODEL, 3), [watcher])
    assert len(compiled) == 1
    assert [call for call in watcher.calls if call[0] in ("member", "begin")] == [
        call for member in (1, 2, 3) for call in (("member", member), ("begin", 1), ("begin", 2))
    ]
    alone = [fit(PAIRS, replace(CONFIG, seed=seed, members=1), untrained(MODEL, seed)) for seed in (3, 4, 5)]
    for one, member in zip(alone, together.networks, strict=True):
        assert same_arrays(one.weights, member.weights)
        assert (member.step, member.trained.config.seed, member.moments) == (one.step, one.trained.config.seed, {})
    assert [each.reached for each in together.members] == [each.reached for each in alone[1:]]
    _, validation = PAIRS.draw(CONFIG, MODEL)
    assert together.reached == validation_figures(PAIRS, together, validation) != alone[0].reached


@pytest.mark.slow
def test_a_training_resumed_within_a_member_has_the_same_bits_and_recording(tmp_path):
    """54 training points make 14 steps per epoch; the snapshot of the second member is the one that is kept."""
    kept, config = {}, replace(CONFIG, members=2)
    first = start_recording(untrained(MODEL, 3), config)
    undisturbed = fit(PAIRS, config, first, (), snapshots_in_memory(kept))
    (tmp_path / "w").write_bytes(weights_file.to_bytes(kept[14]))
    snapshot, watcher = load_snapshot(tmp_path / "w"), Watcher()
    assert (len(snapshot.finished), snapshot.run.config.seed, snapshot.network.trained.config.seed) == (1, 3, 4)
    assert training_id(snapshot.first) == training_id(undisturbed)
    resumed = fit(PAIRS, config, snapshot, [watcher])
    assert watcher.calls[:2] == [("member", 2), ("begin", 1)]
    assert weights_file.to_bytes(resumed) == weights_file.to_bytes(undisturbed)
    assert len(resumed.members) == 1
    assert all(map(same_arrays, resumed.recording.weights, undisturbed.recording.weights))


# `train` that saves a snapshot after each epoch, and kills itself after the first one of the second member.
KILLED = """
import os, sys
from seq2seq_demo import cli
from seq2seq_demo.training import snapshots

def save(self, snapshot, save=snapshots.Snapshots.save):
    save(self, snapshot)
    if snapshot.finished:
        os.kill(os.getpid(), 9)

snapshots.EPOCH_INTERVAL, snapshots.Snapshots.save = 0.0, save
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_training_killed_within_the_second_member_is_resumed_there(tmp_path, start):
    (tmp_path / "p.tsv").write_text("".join(f"{n % 7} {n % 5}\t{n % 3}\n" for n in range(6000)))
    argv = ["train", "--from-file", "p.tsv", "-e", "2", "--cell-size", "7", "--members", "2", "--seed", "1"]
    reference = start(tmp_path, *argv, "-o", "undisturbed", "-n", "other")
    assert end(reference)[0] == 0
    assert end(start(tmp_path, *argv, "-o", "w", program=[*PYTHON, "-c", KILLED]))[0] == -9
    status, err = end(start(tmp_path, *argv, "--resume"))
    assert status == 0, err
    assert "_1.weights.h5, member 2, epoch" in err
    assert (tmp_path / "w").read_bytes() == (tmp_path / "undisturbed").read_bytes()
    assert snapshot_in(tmp_path) is None
    status, err = end(start(tmp_path, *argv, "--resume", "-o", "w"))
    assert (status, snapshot_in(tmp_path)) == (0, None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 2, "processes": 2}, "`processes` 1 and `epochs` of at least 1 with `members`, got `processes` 2"),
        ({"members": 2, "epochs": 0}, "with `members`, got `epochs` 0"),
        ({"members": 101}, "`members` of at most 100, got 101"),
        ({"members": 0}, "`members` to be an integer of at least 1, got 0"),
    ],
)
def test_settings_that_contradict_members_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        train("reversed", points=20, **settings)


def test_one_member_changes_nothing(monkeypatch):
    monkeypatch.setattr(trainer.members, "next_start", None)
    watcher = Watcher()
    network = fit(PAIRS, replace(CONFIG, members=1, epochs=1), untrained(MODEL, 3), [watcher])
    assert (network.members, watcher.calls[0]) == ((), ("begin", 1))
    assert network.moments
