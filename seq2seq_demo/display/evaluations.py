"""Evaluations, as JSON or as tables."""

from typing import Any

from seq2seq_demo.display.console import table
from seq2seq_demo.evaluation import Evaluation
from seq2seq_demo.varied_evaluation import RaggedEvaluation, Row, total


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


def row_dict(row: Row) -> dict[str, Any]:
    """Return what a network that ends its answers reached on sources of a kind and length, as JSON has it."""
    e = row.evaluation
    return {
        "sources": row.kind,
        "in_len": row.in_len,
        "n": e.n,
        "fresh": row.fresh,
        "loss": e.loss,
        "forced": {"token_accuracy": e.forced_token_accuracy, "exact_match": e.forced_exact_match},
        "free_running": {"token_accuracy": e.token_accuracy, "exact_match": e.exact_match},
        "symbol_error_rate": e.symbol_error_rate,
        "wrong_symbols": e.wrong_symbols,
        "too_short": e.too_short,
        "too_long": e.too_long,
        "unended": e.unended,
    }


def rows_text(rows: list[Row]) -> str:
    """Return a table by length, and if other kinds of sources were measured, one by kind."""
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    first, *others = by_kind.values()
    figures = [
        "sequences",
        "exact match",
        "token accuracy",
        "symbol errors",
        "wrong symbols",
        "too short",
        "too long",
        "no end",
    ]
    lines = [[str(row.in_len), *_figures(row.evaluation)] for row in first]
    if len(first) > 1:
        lines.append(["all", *_figures(total(row.evaluation for row in first))])
    tables = [table(["length", *figures], lines)]
    if others:
        lines = [[rows[0].kind, *_figures(total(row.evaluation for row in rows))] for rows in by_kind.values()]
        for line, of_kind in zip(lines, by_kind.values(), strict=True):
            worst = min(of_kind, key=lambda row: row.evaluation.exact_match)
            is_perfect = worst.evaluation.exact_match == 1
            line.append("" if is_perfect else f"{worst.evaluation.exact_match:.4f} at {worst.in_len}")
        tables.append(table(["sources", *figures, "worst length"], lines))
    return "\n\n".join(tables)


def _figures(e: RaggedEvaluation) -> list[str]:
    shares = [f"{share:.5f}" for share in (e.exact_match, e.token_accuracy, e.symbol_error_rate)]
    return [str(e.n), *shares, *map(str, (e.wrong_symbols, e.too_short, e.too_long, e.unended))]
