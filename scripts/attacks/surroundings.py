"""Attacks with forks, unusual environments and process limits: the result must be the usual one or a one-line error."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from attacks.running import LIMIT, ROOT, SMALL, Case, run, run_cases

NETWORK = str(ROOT / "trained_weights" / "ts2s__embedding_attention__reversed_1.weights.h5")

# ---- Forks ----

# Fork while threads predict. Each forked process checks its own predictions, sometimes also in a thread or after a
# second fork.
PREDICTING = """
import os, random, signal, sys, threading
from seq2seq_demo import load

network, rng = load(sys.argv[3]), random.Random(int(sys.argv[1]))
sources = [[rng.randrange(10) for _ in range(rng.randrange(1, 15))] for _ in range(3000)]
expected, stopped = network.predict(sources[:50]), threading.Event()

def keep_predicting():
    while not stopped.is_set():
        network.predict(sources[:rng.choice((1, 50, 600))])  # briefly, so that locks are often taken

def child():
    signal.alarm(10)
    deeper = rng.random() < 0.2 and os.fork()
    if rng.random() < 0.5:
        thread = threading.Thread(target=network.predict, args=[sources])
        thread.start()
        thread.join()
    status = 0 if network.predict(sources[:50]) == expected else 1
    if deeper:
        status = status or os.waitpid(deeper, 0)[1]
    os._exit(int(status != 0))

threads = [threading.Thread(target=keep_predicting) for _ in range(rng.choice((1, 1, 2)))]
for thread in threads:
    thread.start()
broken = 0
for _ in range(int(sys.argv[2])):
    threading.Event().wait(rng.uniform(0, 0.05))
    pid = os.fork()
    if not pid:
        child()
    broken += os.waitpid(pid, 0)[1] != 0
stopped.set()
print(broken)
"""


def forks() -> tuple[int, list[str]]:
    """Fork while threads predict; each forked process must give the same answers."""
    n_forks = 30

    def case(seed: int) -> None:
        argv = (sys.executable, "-W", "ignore", "-c", PREDICTING, str(seed), str(n_forks), NETWORK)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(argv, check=False, env=environment, capture_output=True, text=True, timeout=LIMIT)
        assert (done.returncode, done.stdout) == (0, "0\n"), f"{done.stdout} of {n_forks} forks failed: {done.stderr}"

    n_cases, broken = run_cases([(f"predict {seed}", lambda seed=seed: case(seed)) for seed in range(4)])
    return n_cases * n_forks, broken


# ---- Environments ----

KERAS = ['{"floatx": "float16"}', '{"dtype_policy": "mixed_float16"}', '{"backend": "jax"}', "[]", "{", "\0\xff"]
WORKERS = '{"cluster": {"worker": ["127.0.0.1:1"]}, "task": {"type": "worker", "index": %s}}'
TF_CONFIGS = ["", "nonsense", "[]", "{}", "null", '{"cluster": {}}', '{"cluster": 3, "task": {}}', "[" * 9999, "{" * 9]
TF_CONFIGS += ['{"cluster": {"worker": []}, "task": {"type": "worker", "index": 0}}', WORKERS % 5, WORKERS % '"x"']
TF_CONFIGS += [WORKERS % "null", WORKERS % -1, '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}']
VARIABLES = [  # for training runs, which load TensorFlow; None removes a variable
    *({"TF_CONFIG": text} for text in TF_CONFIGS),
    *({"KERAS_BACKEND": name} for name in ("jax", "nonsense")),
    *({"OMP_NUM_THREADS": n, "TF_NUM_INTRAOP_THREADS": n, "TF_NUM_INTEROP_THREADS": n} for n in ("64", "x")),
    {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"},
    {"TF_XLA_FLAGS": "--tf_xla_auto_jit=2", "TF_ENABLE_ONEDNN_OPTS": "0"},
    {"CUDA_VISIBLE_DEVICES": "0", "TF_CPP_MIN_LOG_LEVEL": "0", "TF_USE_LEGACY_KERAS": "1"},
    {"TMPDIR": "/nonexistent", "HOME": None, "XDG_CACHE_HOME": "/proc"},
    {"TMPDIR": "/proc", "HOME": "/proc", "KERAS_HOME": "/proc/keras"},
    {"HOME": "", "TMPDIR": "", "XDG_CONFIG_HOME": "relative"},
    {"LC_ALL": "C", "LANG": "x", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"},
    {"COLUMNS": "0", "TERM": None, "LINES": "x", "NO_COLOR": "1", "PYTHONOPTIMIZE": "2"},
    {"PYTHONHASHSEED": "7", "PYTHONWARNINGS": "error::UserWarning", "MPLBACKEND": "nonsense", "PYTHONMALLOC": "debug"},
]
LIMITS = ["--nofile=8", "--nofile=32", "--stack=1048576", "--fsize=0"]
PREDICT = ["predict", "-i", "reversed-attention", "3", "1", "2"]


def environments() -> tuple[int, list[str]]:
    """Train and predict in unusual environments; the result must be the usual one, or a one-line error."""
    undisturbed = Path(tempfile.mkdtemp())
    small = ["train", "200", "-p", "reversed", "-e", "1", "--batch-size", "16", *SMALL, "-o", "w"]
    assert run(undisturbed, *small).wait() == 0
    weights, answer = (undisturbed / "w").read_bytes(), run(undisturbed, *PREDICT).communicate()[0]
    evaluate = ["evaluate", "-i", "reversed-attention", "50"]

    def case(argv: list[str], prefix: list[str], environment: dict[str, str | None], keras: str | None = None) -> None:
        folder = Path(tempfile.mkdtemp())
        if keras is not None:
            (folder / ".keras").mkdir()
            (folder / ".keras" / "keras.json").write_bytes(keras.encode("latin-1"))
        chosen = {"HOME": str(folder)} | environment
        process = run(folder, *argv, prefix=[*_env(chosen), *prefix])
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        described = f"status {process.returncode}, {err[-400:]}"
        assert "Traceback" not in err, described
        assert "unexpected" not in err, described
        errors = [line for line in err.splitlines() if line.startswith("seq2seq-demo: error:")]
        assert process.returncode in (0, 1, 2), described
        assert len(errors) == (process.returncode != 0), described
        if process.returncode == 0 and argv is small and "TF_XLA_FLAGS" not in environment:  # XLA may round differently
            assert (folder / "w").read_bytes() == weights, "the weights differ"
        elif process.returncode == 0 and argv is PREDICT:
            assert out == answer, out

    cases: list[Case] = []

    def add(name: str, *arguments: object) -> None:
        cases.append((name[:100], lambda: case(*arguments)))  # type: ignore[arg-type]

    for keras in KERAS:
        add(f"keras.json {keras}", small, [], {}, keras)
    for variables in VARIABLES:
        add(f"train, {variables}", small, [], variables)
        add(f"predict, {variables}", PREDICT, [], variables)
    for limit in LIMITS:
        add(f"predict {limit}", PREDICT, ["prlimit", limit], {})
        add(f"evaluate {limit}", evaluate, ["prlimit", limit], {})
    for limit in ("--nofile=8", "--nofile=32", "--as=629145600"):  # no --data: with a low limit, TensorFlow crashes
        add(f"train {limit}", small, ["prlimit", limit], {})
    return run_cases(cases)


def _env(variables: dict[str, str | None]) -> list[str]:
    removed = [word for name, value in variables.items() if value is None for word in ("-u", name)]
    return ["env", *removed, *(f"{name}={value}" for name, value in variables.items() if value is not None)]
