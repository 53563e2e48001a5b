"""The share of the machine's matrix-product peak that training reaches on one thread, and where its time goes.

Speeds are measured in CPU time, which depends less on other programs than time on the clock.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.parameters import weight_shapes
from speed import fixed, real_work
from speed.measuring import BUCKETED, KERAS, OURS, EpochFunctions, use_threads

PRODUCTS, ACTIVATIONS, ARITHMETIC, COPIES, LOOPS = KINDS = (
    "matrix products",
    "exponentials",
    "other arithmetic",
    "copies",
    "loops",
)
KIND_OF_OPERATION = (
    dict.fromkeys(("dot", "custom-call"), PRODUCTS)
    | dict.fromkeys(("exponential", "tanh", "log", "logistic"), ACTIVATIONS)
    | dict.fromkeys(("add", "subtract", "multiply", "divide", "maximum", "xor", "reduce", "reduce-window"), ARITHMETIC)
    | dict.fromkeys(("while", "conditional", "call"), LOOPS)
)  # XLA's other operations move numbers or compute indices


def training_flops(model_config: ModelConfig, S: Any, T: Any, dropout: float = 0.0) -> Any:
    """Return the floating-point operations of the matrix products in a training step, per pair of lengths S and T.

    The lengths are numbers or arrays; T includes END. The product of n weights with a vector takes 2n operations. The
    gradients of the vector and of the weights take as many each. Without dropout, products of embeddings do not count,
    because they are computed once per symbol of the vocabulary and then looked up.
    """
    c, products = model_config, 0
    looked_up = {"encoder/layer_0/kernel", "encoder/backward/layer_0/kernel"}
    looked_up.add("decoder/input/kernel" if c.has_attention else "decoder/layer_0/kernel")
    for name, shape in weight_shapes(c).items():
        if name.endswith("kernel"):
            reads_source = name.startswith(("encoder", "decoder/attention/key"))
            positions = 1 if "bridge" in name else S if reads_source else T
            n_rows = shape[0] - c.embedding_size * (name in looked_up and not dropout)
            products = products + n_rows * shape[1] * positions
    if c.has_attention:
        products = products + S * T * (c.cell_size + c.memory_size)  # v · tanh(…) and Σ α m
    return 6 * products


# ---- Speed ----


def cpu_seconds(function: Callable[[], Any]) -> float:
    """Return the seconds of CPU time that a call takes."""
    start = time.process_time()
    function()
    return time.process_time() - start


def blas_peak(n: int = 1024, times: int = 20) -> float:
    """Return the operations per second of NumPy's product of two float32 matrices `[n, n]`, on one thread."""
    a, b = np.random.default_rng(0).random((2, n, n), np.float32)
    with threadpoolctl.threadpool_limits(1):
        return 2 * n**3 / min(cpu_seconds(lambda: a @ b) for _ in range(times))


def columns(calls: EpochFunctions, flops: Any, rounds: int) -> list[str]:
    """Return our MFLOP per pair, our GFLOP/s, the share of the peak of each program, and our shares of time.

    `flops` are the operations of each pair of an epoch.
    """
    for call in calls.values():
        call()  # compile
    times = [{name: cpu_seconds(call) for name, call in calls.items()} | {"peak": blas_peak()} for _ in range(rounds)]
    peak = max(row["peak"] for row in times)
    speeds = [flops.sum() / statistics.median(row[name] for row in times) for name in calls]
    shares = [*(speed / peak for speed in speeds), *time_shares(calls[OURS]).values()]
    return [f"{flops.mean() / 1e6:.2f}", f"{speeds[0] / 1e9:.1f}", *(f"{share:.0%}" for share in shares)]


def use_one_thread() -> None:
    """Start TensorFlow with one thread per operation."""
    use_threads(1)
    import tensorflow as tf

    tf.zeros(()).numpy()


def fixed_row(name: str, units: int, length: int, rounds: int) -> list[str]:
    """Return the table row of 2016's network at a size."""
    use_one_thread()
    model_config = ModelConfig(name, cell_size=units)
    calls, samples = fixed.epochs(model_config, length)
    flops = np.full(samples, training_flops(model_config, length, length))
    return [f"{name}, {units} units, length {length}", *columns(calls, flops, rounds)]


def real_row(name: str, n_pairs: int, rounds: int) -> list[str]:
    """Return the table row of a network on realistic data; plain Keras gets bucketed batches."""
    use_one_thread()
    model_config, dropout = real_work.NETWORKS[name]
    pairs = real_work.dictionary_pairs(n_pairs)
    flops = training_flops(model_config, pairs.sources.lengths, 1 + pairs.targets.lengths, dropout)
    calls, _ = real_work.epochs(name, pairs)
    return [name, *columns({OURS: calls[OURS], KERAS: calls[BUCKETED]}, flops, rounds)]


# ---- Profile ----


def time_shares(call: Callable[[], Any]) -> dict[str, float]:
    """Profile a call; return the share of each of KINDS in the time of the programs that XLA compiled."""
    from tensorflow.compiler.xla.service import hlo_pb2
    from tensorflow.profiler import experimental as profiler
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        profiler.start(folder, profiler.ProfilerOptions(host_tracer_level=3, python_tracer_level=0))
        call()
        profiler.stop()
        (file,) = Path(folder).rglob("*.xplane.pb")
        planes = {plane.name: plane for plane in xplane_pb2.XSpace.FromString(file.read_bytes()).planes}
    kinds = {}
    for program in planes["/host:metadata"].event_metadata.values():
        kinds |= instruction_kinds(hlo_pb2.HloProto.FromString(program.stats[0].bytes_value).hlo_module)
    host, totals = planes["/host:CPU"], Counter[str]()
    for line in host.lines:
        events = ((e.offset_ps, e.duration_ps, host.event_metadata[e.metadata_id].name) for e in line.events)
        for name, duration in own_times(events):
            kind = LOOPS if name.startswith("ThunkExecutor") else kinds.get(name.removeprefix("end: "))
            if kind:  # otherwise Python or TensorFlow
                totals[kind] += duration
    return {kind: round(totals[kind] / totals.total(), 3) for kind in KINDS}


def instruction_kinds(module: Any) -> dict[str, str]:
    """Return the kind of every instruction in XLA's module; a fusion has the first of KINDS among its instructions."""
    from tensorflow.compiler.xla import xla_data_pb2

    indices = {xla_data_pb2.S32, xla_data_pb2.S64, xla_data_pb2.PRED}

    def kind(i: Any) -> str:
        return COPIES if i.shape.element_type in indices else KIND_OF_OPERATION.get(i.opcode, COPIES)

    inner = {c.id: min(map(kind, c.instructions), key=KINDS.index) for c in module.computations}
    instructions = [i for computation in module.computations for i in computation.instructions]
    return {i.name: inner[i.called_computation_ids[0]] if i.opcode == "fusion" else kind(i) for i in instructions}


def own_times(events: Iterable[tuple[int, int, str]]) -> list[tuple[str, int]]:
    """Return the duration of each event minus those of the events inside; an event is (start, duration, name)."""
    result, stack = [], []
    for start, duration, name in sorted(events, key=lambda event: (event[0], -event[1])):
        while stack and stack[-1][0] <= start:
            stack.pop()
        if stack:
            stack[-1][1][1] -= duration
        result.append([name, duration])
        stack.append((start + duration, result[-1]))
    return [(name, duration) for name, duration in result]
