import json

from helpers import ATTENTION, save_random

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.trained.saved_network import TrainingRun


def test_evaluate_prints_the_evaluation_that_python_returns(run):
    config = TrainConfig(points=400, in_len=6, out_len=3)
    network = save_random("w", ATTENTION, in_len=6, out_len=3, run=TrainingRun(config, 0))
    status, out, err = run("evaluate 600 -i w --seed 5 --json")
    assert (status, err) == (0, "Using weights w\n")
    facts = json.loads(out)
    assert (facts["n"], facts["fresh"], [*facts["by_length"]]) == (600, True, ["6"])
    assert facts == network.evaluate("reversed", 600, seed=5).to_dict()
    out, _ = run.ok("evaluate 600 -i w --seed 5")
    assert out == f"{network.evaluate(n=600, seed=5).report()}\n"
    assert out.startswith("600 fresh sources, pattern 'reversed'\n\n")
    assert f"exact match {facts['exact_match']:.5f}, " in out


def test_untrained_lengths_are_reported_once(run):
    save_random("w", ATTENTION, in_len=4, out_len=3, run=TrainingRun(TrainConfig(20, 4, 3), 0))
    options = {"": None, "--in-len 4": None, "--in-len 5": "5", "--in-len 7,4,2,7": "2, 7"}
    for option, n in options.items():
        warning = [f"The network was trained on length 4, so its answers at length {n} may be wrong"] if n else []
        for as_json in ("", "--json"):
            out, err = run.ok(f"evaluate 20 -i w {option} {as_json}")
            assert ("trained on" in out, err.splitlines()) == (False, ["Using weights w", *warning]), option
