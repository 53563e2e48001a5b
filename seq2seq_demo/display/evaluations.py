"""Evaluations, as JSON or as tables."""

from typing import Any

from seq2seq_demo.display.console import table
from seq2seq_demo.evaluation import Evaluation


def evaluation_dict(e: Evaluation, in_len: int) -> dict[str, Any]:
    """Return an evaluation as JSON has it."""
    forced = {"token_accuracy": e.forced_token_accuracy, "exact_match": e.forced_exact_match}
    free = {"token_accuracy": e.token_accuracy, "exact_match": e.exact_match}
    positions = {"forced": (e.forced_correct / e.n).tolist(), "free_running": (e.correct / e.n).tolist()}
    symbols = [
        {"symbol": symbol, "n": int(n), "accuracy": float(correct / n)}
        for symbol, (n, correct) in enumerate(zip(e.expected, e.expected_and_correct, strict=True))
        if n
    ]
    confusions = [
        {"expected": expected, "predicted": predicted, "times": times}
        for (expected, predicted), times in sorted(e.confusions.items(), key=lambda item: (-item[1], item[0]))
    ]
    return {
        "n": e.n,
        "in_len": in_len,
        "out_len": len(e.correct),
        "loss": e.loss,
        "forced": forced,
        "free_running": free,
        "gap": {name: forced[name] - free[name] for name in forced},
        "by_position": positions,
        "by_symbol": symbols,
        "confusions": confusions,
    }


def evaluation_text(e: dict[str, Any]) -> str:
    """Return an `evaluation_dict` as tables."""
    figures = [
        [name.replace("_", " "), *(f"{e[way][name]:.5f}" for way in ("forced", "free_running")), f"{gap:+.5f}"]
        for name, gap in e["gap"].items()
    ]
    ways = e["by_position"]
    positions = [
        [str(t), f"{forced:.5f}", f"{free:.5f}"]
        for t, (forced, free) in enumerate(zip(ways["forced"], ways["free_running"], strict=True), start=1)
    ]
    symbols = [[str(s["symbol"]), str(s["n"]), f"{s['accuracy']:.5f}"] for s in e["by_symbol"]]
    confusions = [[str(value) for value in c.values()] for c in e["confusions"][:5]]
    return "\n\n".join(
        [
            table(["", "forced", "free-running", "gap"], figures) + f"\nloss {e['loss']:.5f} nats a symbol, forced",
            table(["output position", "forced", "free-running"], positions),
            table(["symbol", "expected", "free-running"], symbols),
            table(["expected", "predicted", "times"], confusions) if confusions else "No symbol was wrong.",
        ]
    )


def lengths_text(evaluations: list[dict[str, Any]]) -> str:
    """Return a row for each length's evaluation."""
    header = ["length", "target", "sequences", "token accuracy forced", "free-running", "exact match"]
    rows = [
        [str(e["in_len"]), str(e["out_len"]), str(e["n"]), f"{e['forced']['token_accuracy']:.5f}"]
        + [f"{value:.5f}" for value in e["free_running"].values()]
        for e in evaluations
    ]
    return table(header, rows)
