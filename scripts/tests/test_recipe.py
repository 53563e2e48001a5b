"""The edits that the recipe is compared with, and the sets of running words, are right on pairs worked out by hand."""

import random
import re

import copying
import pytest
import sets
from copying import CopyAndEdit


@pytest.mark.parametrize(
    "pairs, source, answer",
    [
        ([("vnd", "und"), ("vns", "uns"), ("davon", "davon")], "vnter", "unter"),  # an initial v is written u
        ([("vnd", "und"), ("vns", "uns"), ("davon", "davon")], "haven", "haven"),  # a v after an a is copied
        ([("paymt", "payment"), ("segmt", "segment")], "fragmt", "fragment"),  # symbols are inserted
        ([("auff", "auf"), ("hoff", "hof"), ("lieff", "lief")], "schiff", "schif"),  # a symbol is deleted
        ([("lieb", "liebe"), ("gab", "gabe"), ("hab", "habe")], "trieb", "triebe"),  # the end of a source is edited
        ([("jr", "ihr"), ("jm", "ihm"), ("jn", "ihn")], "xyz", "xyz"),  # unknown symbols are copied
        ([("ab", "ac")] * 9, "cba", "cba"),  # nine equal pairs count once, and weigh less than a copy
    ],
)
def test_the_edits_of_training_pairs_are_applied_in_their_contexts(pairs, source, answer):
    assert CopyAndEdit(pairs).answer(source) == answer


def test_a_known_source_has_its_most_frequent_target_and_a_tie_is_copied():
    assert CopyAndEdit([("or", "our"), ("or", "or"), ("or", "our")]).answer("or") == "our"
    assert CopyAndEdit([("zu", "za"), ("zu", "zu")]).answer("zu") == "zu"


def test_a_context_contains_the_symbols_on_both_sides_and_the_edges():
    contexts = [*copying.contexts_of("abc")]
    assert len(contexts) == len("abc") + 2
    assert contexts[1][0] == ("", "a", "")
    assert contexts[1][-1] == ("\n\n\n", "a", "bc\n")


def test_exact_match_is_counted_on_unseen_sources_and_on_all():
    tested = [("a", "x"), ("b", "b"), ("c", "c"), ("c", "d")]
    assert copying.exact_matches(["x", "b", "c", "c"], tested, {"a", "c"}) == "100.0 / 75.0"
    assert copying.exact_matches(["x", ValueError(), "c", "c"], tested, {"a", "c"}) == "0.0 / 50.0"


def test_rules_are_applied_in_turn_and_equal_states_write_a_word_equally():
    always = [("^u", "v", 1.0), (r"([ln])\1", r"\1", 1.0), ("e$", "x", 0.0), ("v", "w", 1.0)]
    assert sets.written("unnelle", always, random.Random(0)) == "wnele"
    spellings = {sets.written("unterteilung", sets.OLD_GERMAN, random.Random(n)) for n in range(9)}
    assert len(spellings) > 1
    assert len({sets.written("unterteilung", sets.OLD_GERMAN, random.Random("a")) for _ in range(9)}) == 1
    assert all(re.compile(rule[0]) for rule in [*sets.OLD_GERMAN, *sets.ABBREVIATIONS])


def test_running_words_keep_their_order_and_repeat(tmp_path, monkeypatch):
    monkeypatch.setattr(sets, "RUNNING_SIZES", {"train": 3, "dev": 1})
    pairs = [("vnd", "und"), ("zu", "zu"), ("vnd", "und"), ("zu", "zu"), ("ab", "ab")]
    sets.write_set(tmp_path / "old_german", "characters characters", iter(pairs))
    assert (tmp_path / "old_german" / "train.tsv").read_text() == "vnd\tund\nzu\tzu\nvnd\tund\n"
    assert (tmp_path / "old_german" / "dev.tsv").read_text() == "zu\tzu\n"
