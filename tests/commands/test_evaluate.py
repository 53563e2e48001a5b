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
    _, err = run.ok("evaluate 20 -i w --in-len 7,4,2,7")
    assert err.endswith("The network was trained on length 6, so its answers at length 2, 4, 7 may be wrong\n")
