import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import save_texts, write_pairs

from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.trained.counts import count_answers
from seq2seq_demo.trained.loading import load
from seq2seq_demo.trained.metrics import AnswerProbabilities, Calibration, calibrate, expected_calibration_error
from seq2seq_demo.training.report import outcome_notices
from seq2seq_demo.training.settings import new_run
from seq2seq_demo.training.validation import calibrated

WORDS = [f"{a}{b}{c}" for a, b, c in itertools.product("abcd", repeat=3)]


def drawn(temperature, n, seed=1, bias=0):
    """Return n answers of 1 to 5 symbols, right with the probability that a calibration gives their symbols."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 6, n)
    logits = rng.normal(2, 2, lengths.sum())
    is_right = np.logical_and.reduceat(
        rng.random(len(logits)) < 1 / (1 + np.exp(-logits / temperature - bias)), np.cumsum(lengths) - lengths
    )
    return AnswerProbabilities(1 / (1 + np.exp(-logits)), lengths, is_right)


def test_confidences_by_hand():
    assert Calibration(1.0).confidence([0.25, 0.5, 1.0]) == pytest.approx(0.125)
    assert Calibration(0.5).confidence([0.2, 0.5]) == pytest.approx(0.04 / (0.04 + 0.64) / 2)
    assert Calibration(2.0, np.log(3)).confidence([0.5, 0.8]) == pytest.approx(3 / 4 * 6 / 7)
    answers = AnswerProbabilities(np.array([0.2, 0.5, 0.9, 0.0]), np.array([2, 1, 1]), np.zeros(3, bool))
    assert answers.confidences(Calibration(0.5)) == pytest.approx([0.04 / (0.04 + 0.64) / 2, 0.81 / 0.82, 0])


def test_the_fit_finds_the_calibration_that_answers_were_drawn_with():
    for drawn_with in ((1.8, 0.0), (0.6, -0.5), (1.0, 1.0)):
        found = calibrate(drawn(drawn_with[0], 5000, bias=drawn_with[1]))
        assert found.temperature == pytest.approx(drawn_with[0], rel=0.08)
        assert found.bias == pytest.approx(drawn_with[1], abs=0.1)
        assert found.error < 0.02


def test_few_answers_do_not_overfit_and_have_no_calibration_error():
    """Nineteen right answers do not make another one certain."""
    few = AnswerProbabilities(np.full(19, 0.6), np.ones(19, int), np.ones(19, bool))
    calibration = calibrate(few)
    assert (0.8 < calibration.confidence([0.6]) < 0.97, calibration.error) == (True, None)
    assert calibrate(AnswerProbabilities(np.full(99, 0.6), np.ones(99, int), np.zeros(99, bool))).error is None


def test_the_calibration_error_is_that_by_hand():
    confidence = np.array([0.05, 0.61, 0.69, 0.93, 1.0])
    is_right = np.array([False, True, False, True, True])
    bins = [0.05, abs(0.61 + 0.69 - 1), abs(0.93 + 1.0 - 2)]
    assert expected_calibration_error(confidence, is_right) == pytest.approx(sum(bins) / 5)


def test_the_cross_validated_error_is_that_of_calibrations_fitted_to_other_answers():
    answers = drawn(1.8, 47)
    starts, expected = np.cumsum(answers.lengths) - answers.lengths, np.zeros(47)
    for fold in range(5):
        kept = [n for n in range(47) if n % 5 != fold]
        symbols = [answers.symbols[starts[n] : starts[n] + answers.lengths[n]] for n in kept]
        others = AnswerProbabilities(np.concatenate(symbols), answers.lengths[kept], answers.is_right[kept])
        expected[fold::5] = answers.confidences(calibrate(others))[fold::5]
    assert calibrate(answers).error == pytest.approx(expected_calibration_error(expected, answers.is_right))


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A random text network with a calibration, saved as w; about two thirds of its answers end."""
    monkeypatch.chdir(tmp_path)
    calibration = Calibration(2.0, 0.5, error=0.03)
    network = save_texts("w", ("characters", tuple("abcd")), ("characters", tuple("xy")), calibration=calibration)
    network.weights["decoder/output/bias"][network.model_config.go] += 0.3
    network.save("w")
    return network


def test_the_confidence_follows_from_the_probability_of_the_answer(network):
    assert load("w").calibration == Calibration(2.0, 0.5, error=0.03)
    answers = network.predict(["a", "bd", "abc"], details=True)
    assert [answer.ended for answer in answers] == [True, True, False]  # an answer that did not end is no answer
    for answer in answers:
        assert answer.probability == pytest.approx(np.prod(answer.probabilities) * answer.ended)
        assert answer.confidence == pytest.approx(Calibration(2.0, 0.5).confidence(answer.probabilities) * answer.ended)
    assert network.predict(["abc"]) == [answers[2].prediction] == ["".join(answers[2].prediction_tokens)]
    assert network.predict(["a"], beam_size=2, details=True)[0].confidence is not None


def test_predict_withholds_answers_of_low_confidence(run, network):
    words = ["a", "bd", "abc", "ddd"]  # the third answer does not end
    answers = network.predict(words, details=True)
    assert run.ok("predict -i w --tsv", *words)[0].splitlines()[2] == f"abc\t{answers[2].prediction}\t0"
    middle = np.median([answer.confidence for answer in answers])
    lines, _ = run.ok("predict -i w --min-confidence", middle, *words)
    for line, answer in zip(lines.splitlines(), answers, strict=True):
        assert (f"no answer (confidence {answer.confidence:.4f})" in line) == (answer.confidence < middle)


def test_evaluate_measures_the_calibration_of_its_answers(run, network):
    answers = network.predict(WORDS, details=True)
    right = [n % 3 > 0 for n in range(len(WORDS))]
    pairs = [(word, answer.prediction + "x" * (not ok)) for word, answer, ok in zip(WORDS, answers, right, strict=True)]
    write_pairs("test.tsv", [*pairs, *((word + "é", "x") for word in WORDS)])  # unreadable, so without confidence
    facts = json.loads(run.ok("evaluate -i w --from-file test.tsv --json")[0])["calibration"]
    ok = np.array(right) & [answer.ended for answer in answers]
    confidence = np.array([answer.confidence for answer in answers])
    assert facts == {"expected_calibration_error": pytest.approx(expected_calibration_error(confidence, ok), abs=1e-5)}
    text, _ = run.ok("evaluate -i w --from-file test.tsv")
    assert f"calibration error of the confidences {facts['expected_calibration_error']:.5f}" in text
    assert network.evaluate([("é", "x")]).calibration is None


def test_too_few_validation_pairs_keep_a_calibration_with_an_error(network):
    task = pair_task([(word, "x") for word in WORDS], vocabularies=network.vocabularies, holds_out=True)
    _, validation = task.split
    counts = count_answers(network.to_numpy(), network, validation, alternatives=True, detailed=True)
    fitted = calibrate(counts.answers)
    for earlier, expected in (network.calibration,) * 2, (Calibration(1.5, 0.25), fitted), (None, fitted):
        begun = new_run(task, {}, replace(network, calibration=earlier)).network
        found = calibrated(begun, validation)
        assert (begun.calibration, found.calibration) == (earlier, expected)
        notice = "keep their earlier calibration" if expected != fitted else "are uncertain"
        assert notice in next(outcome_notices(found, task, earlier))
