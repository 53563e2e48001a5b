"""Forks, unusual environments and process limits: the program must give its usual result or a one-line error."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from attacks.running import AS_OTHER_USER, LIMIT, ROOT, SMALL, Case, can_change_user, run, run_cases

NETWORK = str(ROOT / "trained_weights" / "ts2s__embedding_attention__reversed_1.weights.h5")

# ---- Forks ----

# Forks while threads predict. Each forked process predicts, some also in a thread or a second fork, and checks answers.
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

# Trains in a forked process, after the parent process has predicted, imported TensorFlow or trained.
TRAINING = """
import os, signal, sys
from pathlib import Path
import seq2seq_demo
from seq2seq_demo import Seq2SeqError, train

def trained(path):
    train("reversed", points=200, epochs=1, in_len=4, cell_size=7, embedding_size=5).save(path)

before, expects_error = sys.argv[1], sys.argv[1].startswith("train")
if "predict" in before:
    seq2seq_demo.load(sys.argv[2]).predict([[1, 2]] * 3000)
if "import" in before:
    import tensorflow
if "train" in before:
    trained("parent")
pid = os.fork()
if not pid:
    signal.alarm(60)
    if "twice" in before and (deeper := os.fork()):
        os._exit(int(os.waitpid(deeper, 0)[1] != 0))
    try:
        trained("child")
    except Seq2SeqError as error:
        os._exit(0 if expects_error and "fork" in str(error) else 2)
    os._exit(3 if expects_error else 0)
status = os.waitpid(pid, 0)[1]
trained("parent")
print(status, expects_error or Path("child").read_bytes() == Path("parent").read_bytes())
"""
BEFORE = ["nothing", "predict", "import", "predict import twice", "train", "train twice"]


def forks() -> tuple[int, list[str]]:
    """Fork while threads predict, and before training runs; a forked process must work or report why it cannot."""
    n_forks = 30

    def script(text: str, *argv: str) -> str:
        folder = tempfile.mkdtemp()
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        argv = (sys.executable, "-W", "ignore", "-c", text, *argv)
        done = subprocess.run(
            argv, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT
        )
        assert done.returncode == 0, done.stderr[-300:]
        return done.stdout.split("\n")[-2]

    def predicting(seed: int) -> None:
        broken = script(PREDICTING, str(seed), str(n_forks), NETWORK)
        assert broken == "0", f"{broken} of {n_forks} forked processes hung or were wrong"

    def training(before: str) -> None:
        result = script(TRAINING, before, NETWORK)
        assert result == "0 True", result

    cases: list[Case] = [(f"predict {seed}", lambda seed=seed: predicting(seed)) for seed in range(4)]
    cases += [(f"train after {before!r}", lambda before=before: training(before)) for before in BEFORE]
    _, broken = run_cases(cases)
    return 4 * n_forks + len(BEFORE), broken


# ---- Environments ----

KERAS = ['{"floatx": "float16"}', '{"floatx": "float64"}', '{"dtype_policy": "mixed_float16"}']
KERAS += [
    "[]",
    "{",
    "\0\xff",
    '{"backend": "jax"}',
    '{"epsilon": "x"}',
    '{"image_data_format": "x"}',
    '{"nnx_enabled": true}',
]
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
    {"TMPDIR": "/nonexistent", "HOME": None, "XDG_STATE_HOME": None, "XDG_CACHE_HOME": "/proc"},
    {"TMPDIR": "/proc", "HOME": "/proc", "XDG_STATE_HOME": "/proc/state", "KERAS_HOME": "/proc/keras"},
    {"HOME": "", "XDG_STATE_HOME": "", "TMPDIR": "", "XDG_CONFIG_HOME": "relative"},
    {"LC_ALL": "C", "LANG": "x", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"},
    {"COLUMNS": "0", "TERM": None, "LINES": "x", "NO_COLOR": "1", "PYTHONOPTIMIZE": "2"},
    {"PYTHONHASHSEED": "7", "PYTHONWARNINGS": "error::UserWarning", "MPLBACKEND": "nonsense", "PYTHONMALLOC": "debug"},
]
STREAMS = ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- 2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full"]
LIMITS = [
    "--nofile=8",
    "--nofile=12",
    "--nofile=32",
    "--core=0",
    "--stack=1048576",
    "--fsize=100",
    "--fsize=0",
    "--memlock=0",
]
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
        folder.chmod(0o777)
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
        hides_errors = any("2>" in word for word in prefix)
        assert hides_errors or len(errors) == (process.returncode != 0), described
        if process.returncode == 0 and argv is small and "TF_XLA_FLAGS" not in environment:  # XLA may round differently
            assert (folder / "w").read_bytes() == weights, "the weights differ"
        elif process.returncode == 0 and argv is PREDICT and not any(">&-" in word for word in prefix):
            assert out == answer, out

    cases: list[Case] = []

    def add(name: str, *arguments: object) -> None:
        cases.append((name[:100], lambda: case(*arguments)))  # type: ignore[arg-type]

    for keras in KERAS:
        add(f"keras.json {keras}", small, [], {}, keras)
    for variables in VARIABLES:
        add(f"train, {variables}", small, [], variables)
        add(f"predict, {variables}", PREDICT, [], variables)
    for redirection in STREAMS:
        prefix = ["sh", "-c", f'exec "$@" {redirection}', "sh"]
        add(f"predict {redirection}", PREDICT, prefix, {})
        add(f"page {redirection}", ["page", "-i", "reversed-rnn", "-o", "p"], prefix, {})
        if redirection.startswith("<&- >&-"):
            add(f"train {redirection}", small, prefix, {})
    for limit in LIMITS:
        add(f"predict {limit}", PREDICT, ["prlimit", limit], {})
        add(f"evaluate {limit}", evaluate, ["prlimit", limit], {})
    for limit in ("--nofile=8", "--nofile=32", "--data=314572800", "--as=629145600"):
        add(f"train {limit}", small, ["prlimit", limit], {})
    for n in (1, 2, 3) if can_change_user() else ():  # root has no limit of processes
        for argv in (PREDICT, evaluate):
            add(f"{argv[0]} --nproc={n}", argv, ["prlimit", f"--nproc={n}", *AS_OTHER_USER], {})
    return run_cases(cases)


def _env(variables: dict[str, str | None]) -> list[str]:
    removed = [word for name, value in variables.items() if value is None for word in ("-u", name)]
    return ["env", *removed, *(f"{name}={value}" for name, value in variables.items() if value is not None)]
