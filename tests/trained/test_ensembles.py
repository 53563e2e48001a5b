"""Ensembles in Python: how networks are combined, saved, loaded and used."""

from dataclasses import replace

import pytest
from helpers import random_weights, same_arrays, trained_network

from seq2seq_demo import TrainedNetwork, ensemble, load
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.errors import UsageError

SIDES = Vocabularies(Vocabulary("characters", tuple("abc")), Vocabulary("words", ("X", "Y")))
SIZES = {"in_max_int": 2, "out_max_int": 1, "ends": True}
FIRST = ModelConfig("embedding_attention", "GRUCell", 2, 7, 5, bidirectional=True, **SIZES)
SECOND = ModelConfig("embedding_rnn", "BasicLSTMCell", 1, 4, 3, **SIZES)
TEXTS = ["abc", "a", "cb"]
OTHER_SYMBOLS = "network 2 differs from the first one in its symbols or fixed lengths"


def network(config=FIRST, seed=1, **changes):
    values = {"task": "t.tsv", "in_len": 5, "out_len": 4, "min_in_len": 1, "vocabularies": SIDES} | changes
    return TrainedNetwork(config, random_weights(config, seed), **values)


def test_an_ensemble_is_saved_and_loaded_as_one_network(tmp_path):
    saved = ensemble(iter([network(), network(SECOND, 2, step=7, out_len=3)]))
    saved.save(tmp_path / "w")
    loaded = load(tmp_path / "w")
    assert [each.model_config for each in loaded.members] == [FIRST, SECOND]
    assert all(same_arrays(a.weights, b.weights) for a, b in zip(loaded.members, saved.members, strict=True))
    (member,) = loaded.others
    assert isinstance(member, TrainedNetwork)
    assert (member.step, member.out_len, member.vocabularies, member.others) == (7, 3, SIDES, ())
    first, again, alone = (
        [p.probabilities for p in x.predict(TEXTS, details=True)] for x in (saved, loaded, network())
    )
    assert first == again != alone
    losses = [x.evaluate([("abc", "X Y")]).loss for x in (saved, loaded, network())]
    assert losses[0] == losses[1] != losses[2]
    assert f"{saved.n_weights} weights in 2 networks" in loaded.summary()
    loaded.save(tmp_path / "v")
    assert (tmp_path / "v").read_bytes() == (tmp_path / "w").read_bytes()


def test_one_network_is_no_ensemble_and_the_members_of_ensembles_count_one_by_one():
    one, two = network(), ensemble([network(), network(SECOND)])
    assert ensemble([one]) is one
    assert type(one.to_numpy()) is type(replace(two, others=()).to_numpy()) is not type(two.to_numpy())
    assert [each.model_config for each in ensemble([one, two]).members] == [FIRST, FIRST, SECOND]


def test_networks_that_cannot_answer_together_are_refused():
    for networks, message in [
        ([network(), network(vocabularies=SIDES._replace(target=Vocabulary("words", ("X", "Z"))))], OTHER_SYMBOLS),
        ([network(), network(replace(SECOND, out_max_int=2))], OTHER_SYMBOLS),
        ([network(), network(replace(SECOND, ends=False))], OTHER_SYMBOLS),
        ([trained_network(), trained_network(out_len=3)], OTHER_SYMBOLS),  # both have one length
        ([network()] * 101, "expected at most 100 networks in an ensemble, got 101"),
        ([network(), "w.h5"], "expected networks to combine"),
        ([], "expected networks to combine"),
    ]:
        with pytest.raises(UsageError, match=message):
            ensemble(networks)
