"""The page's network and symbols in Node, compared with the NumPy network and Python's patterns."""

import itertools
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from helpers import random_weights
from helpers_page import KINDS, TOLERANCE, ask, assert_alike, kind_name, needs_node, on_page, run_question
from rapidfuzz.distance import Levenshtein

from seq2seq_demo.config import CELL_TYPES, Beam
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.data.vocabulary import Vocabulary
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.beam import beam_search
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.page import builder
from seq2seq_demo.trained.trained_network import TrainedNetwork

pytestmark = needs_node


@pytest.mark.parametrize("config", KINDS, ids=kind_name)
def test_networks_of_every_kind_agree_with_numpy(config):
    network = on_page(TrainedNetwork(config, random_weights(config), in_len=9, out_len=11))
    rng = np.random.default_rng(0)
    sources = [rng.integers(0, 9, (1, length)) for length in (1, 4, 13)]
    fed = rng.integers(0, 8, (1, 6))
    free = ask(*(run_question(network, source[0], outLen=11) for source in sources))
    forced = ask(*(run_question(network, source[0], outLen=0, decoderInput=fed[0].tolist()) for source in sources))
    for source, result, forced_result in zip(sources, free, forced, strict=True):
        numpy_network = network.to_numpy()
        assert_alike(result, numpy_network.decode(source, 11), 11)
        assert_alike(forced_result, numpy_network.decode(source, 6, fed), 6)
        assert result["gates"] == list(CELL_TYPES[config.cell_type].gates)
        np.testing.assert_allclose(result["memory"], numpy_network.encode(source)[0][0], atol=1e-5)


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("config", KINDS[::2], ids=kind_name)
def test_beam_search_of_every_kind_agrees_with_numpy(config, ends):
    config = replace(config, ends=ends)
    lengths = {"in_len": 4, "out_len": 5} | ({"min_in_len": 1} if ends else {})
    searches = [(1, 1), (3, 3), (5, 1), (5, 4)]  # size, answers
    for seed in (1, 2):  # with seed 0, two answers of a network have equal scores, up to rounding
        network = on_page(TrainedNetwork(config, random_weights(config, seed), **lengths))
        source = np.random.default_rng(seed).integers(0, 9, 4)
        max_len = network.answer_len(len(source))
        data = builder.network_data(builder.ShownNetwork("name", network))
        question = {"network": data, "source": source.tolist(), "outLen": max_len, "searches": searches}
        (results,) = ask(("beam", question))
        for (size, n_best), result in zip(searches, results, strict=True):
            expected = beam_search(network.to_numpy(), source[None], max_len, Beam(size, n_best))
            answers = result["answers"]
            rows = zip(expected.symbols[0], expected.lengths[0], strict=True)
            assert [one["symbols"] for one in answers] == [row[:length].tolist() for row, length in rows]
            assert [one["ended"] for one in answers] == expected.ended[0].tolist()
            np.testing.assert_allclose([one["logP"] for one in answers], expected.scores[0], atol=TOLERANCE)
            assert len(result["kept"]) == expected.symbols.shape[2]  # the search ends at the same step
            assert max(result["kept"] + result["dropped"]) <= size


@pytest.mark.parametrize("name", builder.names_in("network/symbols.js", "PATTERNS"))
def test_patterns_give_the_same_targets(name):
    pattern, rng = find_pattern(name), np.random.default_rng(2)
    questions, expected = [], []
    for largest, length in itertools.product((9, 4) if name == "running_sum" else (9,), range(1, 12)):
        sources = rng.integers(0, 10, (30, length))
        questions.append(("targets", {"pattern": name, "sources": sources.tolist(), "largest": largest}))
        try:
            expected.append(pattern.targets_of(Sequences.of_array(sources), largest).rows())
        except UsageError:
            expected.append([None] * 30)
    assert ask(*questions) == expected


TEXTS = ["cafe\u0301 x", " a\tb\u3000c\x1fd ", "\ufeffa b", "안녕", "안", "👩‍👩‍👧 🇩🇪", "مرحبا بك", "a\u2028b\x85c"]


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_split_into_the_same_symbols(text):
    result = ask(*(("split", {"tokens": tokens, "text": text}) for tokens in ("characters", "words")))
    assert result == [Vocabulary(tokens).tokenize(text, "text") for tokens in ("characters", "words")]


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_texts_are_normalised_as_in_python(form):
    letters = [chr(n) for n in range(0x11000) if chr(n).isalpha()]
    text, how = "".join(letters), {"tokens": "characters", "form": form, "lowercase": True}
    expected = [Vocabulary(**how).tokenize(each, "text") for each in (text, "ΑΣ ΑΣΑ", "e\u0301É", "J\u030cİ\u0316")]
    assert (
        ask(*(("split", how | {"text": each}) for each in (text, "ΑΣ ΑΣΑ", "e\u0301É", "J\u030cİ\u0316"))) == expected
    )
    assert ask(("split", how | {"text": "ÉA", "lowercase": False})) == [[*unicodedata.normalize(form, "ÉA")]]


def test_invalid_input_is_named():
    integers = {"tokens": "integers", "symbols": [], "largest": 9}
    words = {"tokens": "words", "symbols": ["a", "b"], "largest": 1}
    characters = {"tokens": "characters", "symbols": ["a", "b"], "largest": 1}
    for vocabulary, text, expected in [
        (integers, "3 1,2 [4]", [3, 1, 2, 4]),
        (integers, "3 10", "Expected integers from 0 to 9, got “10”"),
        (integers, "-1", "Expected integers from 0 to 9, got “-1”"),
        (words, "b a", [1, 0]),
        (words, "a c", "“c” is not in the vocabulary"),
        (integers, "12345", [1, 2, 3, 4, 5]),
        (integers | {"largest": 10}, "12345", "Put spaces between the integers, as in 1 2 3 4 5"),
        (characters, "aB", "“B” is not in the vocabulary, but “b” is"),
        (characters, " ab \t", [0, 1]),
        (characters, "a b", "A space is not in the vocabulary"),
    ]:
        assert ask(("numbers", {"vocabulary": vocabulary, "text": text})) == [expected]


def test_rounded_weights_are_decoded_as_in_numpy():
    weights = random_weights(KINDS[0])
    weights["encoder/layer_0/bias"][:] = 0
    weights["decoder/layer_0/bias"][:2] = [1e-42, -3e38]
    network = TrainedNetwork(KINDS[0], weights)
    rounded = on_page(network).weights
    stored, shapes = builder.encode_weights(network), [*weight_shapes(KINDS[0]).items()]
    (decoded,) = ask(("weights", {"stored": stored, "shapes": shapes}))
    assert decoded == [rounded[name].ravel().tolist() for name, _ in shapes]


def test_an_answer_is_aligned_with_the_fewest_edits():
    rng = np.random.default_rng(5)
    pairs = [[rng.integers(0, 3, rng.integers(0, 9)).tolist() for _ in range(2)] for _ in range(200)]
    (result,) = ask(("align", pairs))
    for (written, target), one in zip(pairs, result, strict=True):
        assert one["edits"] == Levenshtein.distance(written, target)
        rebuilt = []  # the target, from the aligned and the missing symbols
        for kind, due, missing in zip(one["kinds"], one["targetIndex"], one["missing"], strict=False):
            rebuilt += [*missing, *([target[due]] if kind != "extra" else [])]
        assert rebuilt + one["missing"][-1] == target
        each = zip(written, one["kinds"], one["targetIndex"], strict=True)
        rights = [(symbol, target[due]) for symbol, kind, due in each if kind == "right"]
        assert all(symbol == expected for symbol, expected in rights)
        assert one["right"] == len(rights)


def test_alignment_by_position_compares_symbols_at_equal_positions():
    rng = np.random.default_rng(6)
    pairs = [[rng.integers(0, 3, rng.integers(0, 9)).tolist() for _ in range(2)] for _ in range(100)]
    (result,) = ask(("alignByPosition", pairs))
    for (written, target), one in zip(pairs, result, strict=True):
        assert one["right"] == sum(a == b for a, b in zip(written, target, strict=False))
        assert one["edits"] == max(len(written), len(target)) - one["right"]
        assert one["kinds"].count("extra") == max(0, len(written) - len(target))
        assert one["missing"] == [*([] for _ in written), target[len(written) :]]
