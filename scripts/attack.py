"""Stress-test the program; run this script with `sh scripts/attack`.

It prints a table to standard output, and failures to standard error.
"""

import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from attacks.links import page_links
from attacks.outputs import outputs_that_exist
from attacks.running import SECONDS, TRAIN, run, run_cases, run_guarded
from attacks.service import malformed_requests
from attacks.surroundings import environments, forks
from hypothesis import HealthCheck, given, seed, settings, strategies as st


def main(names: list[str]) -> int:
    """Run the named attacks, by default all; return the exit status."""
    attacks = {
        "kills": kills,
        "full disks": full_disks,
        "changed HDF5": changed_hdf5,
        "metadata": metadata,
        "json": json_input,
        "options": options,
        "outputs that exist": outputs_that_exist,
        "forks": forks,
        "environments": environments,
        "page links": page_links,
        "service": malformed_requests,
        "metrics": metrics,
    }
    total_broken = 0
    print(f"{'attack':22}{'cases':>8}{'broken':>8}{'seconds':>9}")
    for name, attack in attacks.items():
        if names and name not in names:
            continue
        began = time.monotonic()
        cases, broken = attack()
        total_broken += len(broken)
        for line in broken[:10]:
            print(f"{name}: {line}", file=sys.stderr)
        print(f"{name:22}{cases:8}{len(broken):8}{time.monotonic() - began:9.0f}", flush=True)
    return 1 if total_broken else 0


# ---- Processes and signals ----


def kills() -> tuple[int, list[str]]:
    """Kill training runs at random and resume them; the weights must be the same as in an undisturbed run."""
    train, folder = [*TRAIN, "-e", "3", "-o", "w"], Path(tempfile.mkdtemp())
    assert run(folder, *train).wait() == 0
    undisturbed = (folder / "w").read_bytes()

    def case(number: int) -> None:
        rng, folder, argv = random.Random(number), Path(tempfile.mkdtemp()), train
        for _ in range(rng.choice((1, 1, 2))):
            process = run(folder, *argv)
            signum = rng.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
            time.sleep(rng.uniform(0.3, 12))
            process.send_signal(signum)
            _, err = process.communicate()
            statuses = 0, -signum, 128 + signum
            assert process.returncode in statuses, f"{signum!r}: status {process.returncode}, {err[-300:]}"
            assert "Traceback" not in err, err[-300:]
            if (folder / "w").exists():
                break
            argv = [*argv, "--resume"]
        if not (folder / "w").exists():
            process = run(folder, *argv)
            _, err = process.communicate()
            assert process.returncode == 0, err[-300:]
        assert (folder / "w").read_bytes() == undisturbed, "the undisturbed run has other weights"
        remaining = {path.name for path in folder.iterdir()} - {"w"}
        assert all(name.startswith(".seq2seq-demo-") for name in remaining), remaining
        shutil.rmtree(folder)

    return run_cases([(f"kill {number}", lambda number=number: case(number)) for number in range(24)])


def full_disks() -> tuple[int, list[str]]:
    """Train on small file systems; a training run must succeed or end with a one-line error."""
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        print("full disks: skipped, because this user may not mount file systems", file=sys.stderr)
        return 0, []

    def case(kibibytes: int) -> None:
        folder = Path(tempfile.mkdtemp())
        (folder / "small").mkdir()
        mount = f'mount -t tmpfs -o size={kibibytes}k none small && exec "$@" --data-dir small -o small/w'
        process = run(folder, *TRAIN, "-e", "3", prefix=["unshare", "-m", "sh", "-c", f"{mount}; exit 99", "sh"])
        _, err = process.communicate()
        assert process.returncode in (0, 1), (process.returncode, err[-300:])
        assert err.count("seq2seq-demo: error:") == process.returncode, err[-300:]
        assert "unexpected" not in err, err[-300:]

    return run_cases([(f"{size} KiB", lambda size=size: case(size)) for size in (8, 40, 90, 130, 170, 300)])


def metrics() -> tuple[int, list[str]]:
    """Train on patterns that no network can learn; reported exact match may not exceed exact match on new sources."""
    hashed = "def h(source):\n    code = sum(n * x for n, x in zip((7, 3, 5, 1), source))\n"

    def case(length: int, points: int) -> None:
        folder = Path(tempfile.mkdtemp())
        (folder / "h.py").write_text(hashed + "    return [(code * k + 3) ** 3 % 11 % 10 for k in (3, 7)]\n")
        size = ["--in-len", str(length), "--out-len", "2", "--cell-size", "32", "-r", "0.01"]
        process = run(folder, "train", str(points), "-p", "h.py:h", *size, "-e", "15", "--history", "h", "-o", "w")
        _, err = process.communicate()
        assert process.returncode == 0, err[-300:]
        assert "validation points are also training points" in err, err[-300:]
        reported = max(epoch["validation_exact_match"] for epoch in json.loads((folder / "h").read_text()))
        out = run(folder, "evaluate", "2000", "-i", "w", "-p", "h.py:h", "--json").communicate()[0]
        fresh = json.loads(out)["exact_match"]
        assert reported < fresh + 0.06, f"{reported} reported, {fresh} on new sources"

    sizes = [(3, 400), (4, 4000)]
    return run_cases([(f"{points} of length {n}", lambda n=n, points=points: case(n, points)) for n, points in sizes])


# ---- Inputs ----


def changed_hdf5() -> tuple[int, list[str]]:
    """Load files with a valid checksum, but with a few bytes changed."""
    from hostile import mutated, small_content

    from seq2seq_demo.errors import WeightsError
    from seq2seq_demo.trained.loading import load

    folder, content = Path(tempfile.mkdtemp()), small_content()

    def attempt(number: int) -> None:
        path = folder / f"w{number % 2}"
        path.write_bytes(mutated(content, random.Random(number)))
        try:
            load(path)
        except WeightsError as error:
            assert "\n" not in str(error), error

    return run_guarded(20_000, attempt)


def run_examples(strategy: st.SearchStrategy, n: int, check: Callable[[object], None]) -> tuple[int, list[str]]:
    """Check n examples of a strategy, in groups with one seed each; return the number of examples and the failures."""
    group = 250

    def attempt(number: int) -> None:
        signal.alarm(0)

        @seed(number)
        @settings(max_examples=group, deadline=1000 * SECONDS, database=None, suppress_health_check=list(HealthCheck))
        @given(strategy)
        def examples(value: object) -> None:
            check(value)

        examples()

    groups, broken = run_guarded(n // group, attempt)
    return groups * group, broken


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([-1, 10**9, 2**64]),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=5), values, max_size=4),
    max_leaves=8,
)


def metadata() -> tuple[int, list[str]]:
    """Replace or remove values in a weights file's metadata."""
    from hostile import paths, snapshot_metadata, with_value

    from seq2seq_demo.errors import Seq2SeqError
    from seq2seq_demo.trained.saved_network import SavedNetwork
    from seq2seq_demo.trained.weights_file import parse_metadata

    sides = {"source": {"tokens": "characters", "symbols": [*"abcde"]}, "target": {"tokens": "integers"}}
    original = snapshot_metadata() | {"vocabularies": sides}

    def check(change: tuple) -> None:
        path, value = change
        try:
            parse_metadata(with_value(original, path, value), SavedNetwork)
        except Seq2SeqError as error:
            assert "\n" not in str(error)

    places = st.sampled_from(paths(original)[1:])
    return run_examples(st.tuples(places, JSON), 10_000, check)


def json_input() -> tuple[int, list[str]]:
    """Read files of pairs that contain random JSON, lines of text or raw bytes."""
    from seq2seq_demo.data.layout import InputFormat
    from seq2seq_demo.data.pair_task import pair_task
    from seq2seq_demo.errors import Seq2SeqError

    folder = Path(tempfile.mkdtemp())
    symbols = st.lists(st.integers(-1, 12) | JSON, max_size=5) | st.text(max_size=5)
    optional = {"output": symbols, "id": JSON, "x": JSON}
    items = symbols | st.fixed_dictionaries({"input": symbols}, optional=optional) | JSON
    dumped = items.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20)
    lines = st.lists(dumped, max_size=5).map(b"\n".join)
    documents = st.lists(items, max_size=5).map(lambda value: json.dumps(value, indent=1).encode())

    formats = [
        (InputFormat(), ("integers", "integers")),
        (InputFormat(), ("characters", "words")),
        (InputFormat("text"), ("words", "characters")),
        (InputFormat("csv"), (None, None)),
    ]

    def check(content: bytes) -> None:
        for (form, kinds), suffix, max_skipped in itertools.product(formats, (".json", ".jsonl"), (0.0, 1.0)):
            path = folder / f"{os.getpid()}{suffix}"
            path.write_bytes(content)
            try:
                pair_task(path, file_format=form, kinds=kinds, max_skipped=max_skipped)
            except Seq2SeqError as error:
                assert "\n" not in str(error).replace(str(path), "")

    fields = st.lists(st.text(max_size=6), max_size=5).map("\t".join)
    lines |= st.lists(fields, max_size=4).map(lambda rows: "\n".join(rows).encode(errors="ignore"))
    return run_examples(lines | documents | lines.map(lambda text: b"\xef\xbb\xbf" + text), 10_000, check)


def options() -> tuple[int, list[str]]:
    """Parse command lines of valid and random arguments."""
    from seq2seq_demo.commands.cli import COMMANDS, make_parser, parse
    from seq2seq_demo.errors import Seq2SeqError

    actions = [action for command in COMMANDS for action in make_parser(command)._actions]
    names = [name for action in actions for name in action.option_strings if "h" not in name]
    words = st.sampled_from([*names, *COMMANDS, "reversed", "embedding_rnn", "-", "--", "=", "0", "-1", "3", "1e9"])
    nonsense = st.text(max_size=8) | st.integers().map(str) | st.floats().map(str) | st.just("9" * 5000)
    argv = st.lists(words | nonsense | st.tuples(words, nonsense).map("=".join), max_size=8)

    def check(argv: list[str]) -> None:
        with contextlib.suppress(Seq2SeqError, SystemExit):
            parse(argv)

    with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):  # discards the output of --version
        return run_examples(argv, 10_000, check)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as tempfile.tempdir:
        sys.exit(main(sys.argv[1:]))
