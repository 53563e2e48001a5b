"""Answers for programs: a record for every input, and tab-separated values."""

import json
import sys
from pathlib import Path

import pytest
from helpers import save_texts

from seq2seq_demo.config import MAX_LEN
from seq2seq_demo.errors import Seq2SeqError

EMPTY = "\t\t\n"
SKIPPED = "skipped {} that the network cannot read\n"


@pytest.fixture
def network(run):
    """A network of random weights that reads a, b and c, saved as w."""
    return save_texts("w", ("characters", ("a", "b", "c")), ("characters", ("x", "y")))


def records(out):
    return [*map(json.loads, out.splitlines())]


def test_one_bad_argument_does_not_silence_the_others(run, network):
    status, out, err = run("predict -i w ab aqb c")
    assert (status, [line.split(",")[0] for line in out.splitlines()]) == (1, ["==> For input ab", "==> For input c"])
    assert 'input "aqb": expected characters seen in training, got "q" at position 2\n' in err
    assert err.endswith(SKIPPED.format("1 sequence"))
    status, out, _ = run("predict -i w ab aqb c --json")
    assert (status, [facts["source"] for facts in records(out)]) == (1, ["ab", "aqb", "c"])
    assert records(out)[1]["error"].startswith('input "aqb": expected characters seen in training')
    for line, source in {"-i w aqb": "aqb", "1 x": "1 x", "[1,": "[1,", "1 77": "1 77"}.items():
        (facts,) = records(run(f"predict {line} --json")[1])
        assert (facts["prediction"], facts["source"], facts["error"] is None) == (None, source, False)


def test_every_line_gets_a_record(run, network):
    lines = ['"ab"', '{"input": "aq", "id": 7}', '{"input": 5, "id": null}', "", '{"input": "ab"', '"\ud800"', '["c"]']
    lines += [json.dumps("a" * (MAX_LEN + 1)), '{"id": "x"}', "[1]", '{"input": "cc", "output": "z"}', '"a"']
    Path("in.jsonl").write_bytes("\n".join(lines).encode(errors="surrogatepass"))
    status, out, err = run("predict -i w --from-file in.jsonl --json")
    facts = records(out)
    assert (status, [each["line"] for each in facts]) == (1, [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12])
    answered = {each["line"]: each["source"] for each in facts if each["error"] is None}
    assert answered == {1: "ab", 7: "c", 11: "cc", 12: "a"}
    assert len({tuple(each) for each in facts}) == 1  # all records have the same keys
    error = 'in.jsonl, line 2: expected characters seen in training, got "q" at position 2'
    assert facts[1] == dict.fromkeys(facts[1]) | {"line": 2, "source": "aq", "error": error, "record": {"id": 7}}
    assert (facts[2]["source"], facts[2]["record"]) == (None, {"id": None})
    assert f"line 8: expected sequences of at most {MAX_LEN} symbols, got {MAX_LEN + 1}" in facts[6]["error"]
    assert err == f"Using weights w\nseq2seq-demo: error: {SKIPPED.format('7 sequences')}"


def test_answers_as_tab_separated_values(run, network):
    Path("in.tsv").write_text("ab\tx\nqb\ty\n\nab\tx\ty\nc\tx\n\tx\n")
    expected = network.predict(["ab", "c"], details=True)
    rows = [f"{answer.source}\t{answer.prediction}\t{answer.probability:.6g}\n" for answer in expected]
    for option in ("", "--line-buffered"):
        status, out, err = run(f"predict -i w --from-file in.tsv --tsv {option}")
        assert (status, out) == (1, f"{rows[0]}qb{EMPTY}{EMPTY}{EMPTY}{rows[1]}{EMPTY}")
        assert 'in.tsv, line 2: expected characters seen in training, got "q" at position 1\n' in err
    assert run.ok("predict -i w --tsv ab c")[0] == "".join(rows)
    best = network.predict(["ab"], beam_size=3, n_best=2, details=True)[0]
    rows = [f"ab\t{answer.prediction}\t{answer.probability:.6g}\n" for answer in best]
    assert run.ok("predict -i w --tsv ab --beam-size 3 --n-best 2")[0] == "".join(rows)


def test_tabs_in_tab_separated_values_are_escaped_and_other_symbols_are_not(run, monkeypatch):
    save_texts("w", ("characters", ("\t", "\n", "\\", "\u200b", "\x1b")), ("characters", ("\t", "\r")))
    out, _ = run.ok("predict -i w --tsv", "\\\t\n\u200b\x1b")
    assert out.startswith("\\\\\\t\\n\u200b\x1b\t")
    assert (out.count("\t"), out.count("\n")) == (2, 1)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "\\x1b" in run.ok("predict -i w --tsv", "\x1b")[0]  # a terminal would obey it


def test_errors_in_python(network):
    first, error, last = network.predict(["ab", "q", "c"], details=True, on_error="return")
    assert [first.prediction, last.prediction] == network.predict(["ab", "c"])
    message = 'sources, row 1: expected characters seen in training, got "q" at position 1'
    assert (error.source, error.prediction, error.error, error.probabilities) == ("q", None, message, None)
    best, (error,) = network.predict(["ab", 5.5], n_best=2, details=True, on_error="return")
    assert (len(best), error.error) == (2, "sources, row 1: expected a string or a list of characters, got 5.5")
    assert network.predict([], details=True, on_error="return") == []
    for call, message in [
        (lambda: network("q"), 'source: expected characters seen in training, got "q" at position 1'),
        (lambda: network.predict(["ab"], on_error="skip"), "unknown `on_error`"),
        (lambda: network.predict(["ab"], on_error="return"), "`on_error` 'return' needs `details`"),
        (lambda: network.predict(["ab"], details="no"), "expected `details` to be True or False, got 'no'"),
        (lambda: network.save("w.keras"), r"w\.keras: expected another suffix, such as \.h5; `to_keras\(\).save` "),
    ]:
        with pytest.raises(Seq2SeqError, match=f"^{message}"):
            call()
