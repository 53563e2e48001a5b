"""The calls that PYTHON.md documents, as a user writes them. `test_types.py` checks this file, and nothing runs it."""

from pathlib import Path
from typing import Any, assert_type

import seq2seq_demo
from seq2seq_demo import (
    Callback,
    Epoch,
    Evaluation,
    History,
    Prediction,
    TrainingState,
    ensemble,
    load,
    networks,
    patterns,
    train,
)


class Stop(Callback):
    def on_steps_end(self, state: TrainingState) -> bool:
        return state.points > 1000 and state.figures.loss > 100

    def on_epoch_end(self, state: TrainingState) -> bool:
        assert_type(state.history, History)
        return state.network.evaluate(state.validation).exact_match > 0.99


def doubled(source: list[int]) -> list[int]:
    return [2 * symbol for symbol in source]


network = train("reversed", model="attention", cell_type="GRU", lr_schedule="cosine", in_len=(1, 9))
network = train("copy", callbacks=[Stop()], **network.settings)
network = train(doubled, 1000, verbose=True)
network = train(lambda digits: digits[::-1], 20_000)
network = train("pairs.tsv", validation=Path("dev.tsv"))
network = train([{"source": "ab", "target": "ba"}], in_tokens="characters", lowercase=True, validation=[("b", "b")])
network = train([("ab", "ba"), ("b", "b")], epochs=2, start=network)
best: float = max(network.history["validation_exact_match"])
last: Epoch = network.history[-1]
columns: dict[str, list[float]] = network.history.to_dict()
network.history.plot().savefig("history.png")
network.save("a.h5", overwrite=False)

answers: list[str] = load("g2p").predict(["hello"])
prediction: Prediction = network.predict(["ab"], details=True)[0]
certain: bool = prediction.confidence is not None and prediction.confidence > 0.5
shares: list[float] | None = prediction.probabilities
prediction.plot_attention().savefig("attention.png")
for hypothesis in network.predict(["ab"], beam_size=5, n_best=3, details=True)[0]:
    print(hypothesis.prediction, hypothesis.score, hypothesis.ended)
for answer in network.predict(["ab"], details=True, on_error="return"):
    print(answer.error or answer.prediction, answer.to_dict())
assert_type(load("g2p")("hello"), str)
assert_type(load("sorted-rnn").predict([3, 1] for _ in range(2)), list[list[int]])
assert_type(network.predict(iter(["ab"]), n_best=3), list[list[str]])
assert_type(network.predict(["ab"], n_best=3, details=True), list[list[Prediction]])
assert_type(network.predict(["ab"], details=True, on_error="return"), list[Prediction])
evaluation = network.evaluate([("ab", "ba")], beam_size=2)
assert_type(evaluation, Evaluation)
print(evaluation.exact_match, evaluation.confusions[:1], evaluation.worst[0].edits, evaluation.report())
for in_len, each in network.evaluate("reversed", 1000, in_len=(5, 6)).by_length.items():
    print(in_len, each.exact_match, each.to_dict())
described: str = networks()["g2p"]["description"] + patterns()["copy"]["description"]
both = ensemble([network, load("a.h5")])
print(both.members[0].summary(), both.validation and both.validation.loss, seq2seq_demo.__version__)
model: Any = network.to_keras()
