"""Training runs of several networks."""

from dataclasses import replace

import pytest
from helpers import Watcher, pairs_of, same_arrays

from seq2seq_demo import train
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained_network import untrained
from seq2seq_demo.training.results import validation_figures
from seq2seq_demo.training.trainer import Trainer, fit

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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 2, "epochs": 0}, "expected `epochs` of at least 1 with `members`, got 0"),
        ({"members": 101}, "`members` of at most 100, got 101"),
        ({"members": 0}, "`members` to be an integer of at least 1, got 0"),
    ],
)
def test_settings_that_contradict_members_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        train("reversed", points=20, **settings)
