import itertools
import json

import numpy as np
import pytest
from helpers import save_texts

from seq2seq_demo.calibration import (
    AnswerProbabilities,
    Calibration,
    expected_calibration_error,
    fit_calibration,
)
from seq2seq_demo.data.pair_task import PairTask, pair_task_from_rows
from seq2seq_demo.trained_network import load
from seq2seq_demo.training.train import train
from seq2seq_demo.training.validation import calibrated

WORDS = [f"{a}{b}{c}" for a, b, c in itertools.product("abcd", repeat=3)]


def drawn(slope, bias, n, seed=1):
    """Return n answers whose chance to be right is sigmoid(slope · logit(p) + bias)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(1, 2, n)
    chance = 1 / (1 + np.exp(-(slope * logits + bias)))
    return AnswerProbabilities(1 / (1 + np.exp(-logits)), rng.random(n) < chance)


def test_the_identity_keeps_probabilities():
    p = np.array([[0.001, 0.25], [0.5, 0.999]])
    assert Calibration(1.0, 0.0).confidence(p) == pytest.approx(p)
    assert Calibration(2.0, 1.0).confidence(np.array([0.25])) == pytest.approx([np.e / 9 / (1 + np.e / 9)])


def test_the_fit_finds_the_parameters_that_answers_were_drawn_with():
    found = fit_calibration(drawn(0.6, -0.4, 200_000))
    assert (found.slope, found.bias) == pytest.approx((0.6, -0.4), abs=0.02)


@pytest.mark.parametrize("n", [1, 7, 300])
def test_the_fit_is_the_maximum_of_the_posterior(n):
    answers = drawn(0.3, -2, n)
    logit = np.log(answers.probability / (1 - answers.probability))

    def loss(slope, bias):
        z = np.where(answers.is_right, -1, 1) * (slope * logit + bias)
        return np.log1p(np.exp(z)).sum() + ((slope - 1) ** 2 + bias**2) / 2

    found = fit_calibration(answers)
    slope, bias = found.slope, found.bias
    for step in (1e-3, -1e-3):
        assert loss(slope, bias) < min(loss(slope + step, bias), loss(slope, bias + step))


@pytest.mark.parametrize("is_right", [True, False])
def test_certain_answers_have_finite_calibrations(is_right):
    p = np.array([1, 1, 0, 0.5], np.float32)
    calibration = fit_calibration(AnswerProbabilities(p, np.full(4, is_right)))
    confidence = calibration.confidence(p)
    assert ((confidence > 0) & (confidence < 1)).all()
    assert calibration.bias > 0 if is_right else calibration.bias < 0


def test_the_calibration_error_is_that_by_hand():
    confidence = np.array([0.05, 0.61, 0.69, 0.93, 1.0])
    is_right = np.array([False, True, False, True, True])
    bins = [0.05, abs(0.61 + 0.69 - 1), abs(0.93 + 1.0 - 2)]
    assert expected_calibration_error(confidence, is_right) == pytest.approx(sum(bins) / 5)


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A random network of texts with a calibration, saved as w."""
    monkeypatch.chdir(tmp_path)
    return save_texts(
        "w", ("characters", tuple("abcd")), ("characters", tuple("xy")), calibration=Calibration(0.5, 1.0)
    )


def test_the_confidence_follows_from_the_probability_of_the_answer(network):
    assert load("w").calibration == Calibration(0.5, 1.0)
    answers = network.predict(["a", "bd", "abc"], details=True)
    for answer in answers:
        assert answer.probability == pytest.approx(np.prod(answer.probabilities))
        assert answer.confidence == pytest.approx(float(network.calibration.confidence(answer.probability)))
    assert network.predict(["a"], beam_size=2, details=True)[0].confidence is not None


def test_predict_withholds_answers_of_low_confidence(run, network):
    words = ["a", "bd", "abc", "ddd"]
    answers = network.predict(words, details=True)
    middle = np.median([answer.confidence for answer in answers])
    lines, notice = run.ok("predict -i w --min-confidence", middle, *words)
    for line, answer in zip(lines.splitlines(), answers, strict=True):
        assert (f"no answer (confidence {answer.confidence:.4f})" in line) == (answer.confidence < middle)
    assert f"Left 2 sources unanswered, because the confidence is below {middle}" in notice
    for line, answer in zip(
        run.ok("predict -i w --json --min-confidence", middle, *words)[0].splitlines(), answers, strict=True
    ):
        facts = json.loads(line)
        assert facts["confidence"] == pytest.approx(answer.confidence, abs=1e-6)
        assert facts["probability"] == pytest.approx(answer.probability, abs=1e-6)
        is_answered = answer.confidence >= middle
        assert (facts["prediction"], "probabilities" in facts) == (answer.text if is_answered else None, is_answered)


def test_confidences_need_calibration(run, network):
    run.refuses(
        "predict --min-confidence 0.5 3 1 4 1 5 9 2 6 5 3", "expected a calibrated network for --min-confidence", 2
    )
    run.refuses("predict -i w --min-confidence 1.5 a", "expected --min-confidence from 0 to 1, got 1.5")


def test_evaluate_counts_answers_by_confidence(run, network):
    answers = network.predict(WORDS, details=True)
    right = [n % 3 > 0 for n in range(len(WORDS))]
    pairs = [
        (word, answer.text if ok else answer.text + "x") for word, answer, ok in zip(WORDS, answers, right, strict=True)
    ]
    with open("test.tsv", "w") as file:
        file.writelines(f"{source}\t{target}\n" for source, target in pairs)
    *_, facts = map(json.loads, run.ok("evaluate -i w --from-file test.tsv --json")[0].splitlines())
    ok = np.array(right) & [answer.ended for answer in answers]
    confidence = np.array([answer.confidence for answer in answers])
    assert facts["expected_calibration_error"] == pytest.approx(expected_calibration_error(confidence, ok), abs=1e-5)
    for at in facts["at_confidence"]:
        is_answered = confidence >= at["confidence"]
        assert (at["answered"], at["right"]) == (is_answered.sum(), ok[is_answered].sum())
    text, _ = run.ok("evaluate -i w --from-file test.tsv")
    assert f"calibration error of the confidences {facts['expected_calibration_error']:.5f}" in text


def test_training_calibrates_on_the_validation_pairs():
    rows = [(word, word[::-1]) for word in WORDS]
    settings = {"in_tokens": "characters", "out_tokens": "characters", "cell_size": 8, "epochs": 2, "batch_size": 16}
    network = train(rows, learning_rate=0.01, **settings)
    task = pair_task_from_rows(rows, network.vocabularies)
    assert isinstance(task, PairTask)
    validation = task.pairs[task.divided()[1]]
    assert calibrated(network, validation).calibration == network.calibration
    answers = network.evaluate([rows[n] for n in task.divided()[1]]).answers
    assert fit_calibration(answers) == network.calibration
    assert train("reversed", points=40, in_len=3, epochs=1).calibration is None
