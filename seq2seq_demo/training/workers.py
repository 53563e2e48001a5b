"""Several workers: who they are, by TF_CONFIG, and what TensorFlow needs so that they train one network together.

Every worker draws the same points and holds the same weights. Of each batch, each replica (a worker without a GPU is
one, a worker with GPUs one on each) takes its share of the rows; the sums over the shares are what one machine gets.
"""

import contextlib
import functools
import json
import os
import re
import reprlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from seq2seq_demo.errors import TrainingError, UsageError

EXAMPLE = '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}'
# A name, an IPv4 address, or an IPv6 address in brackets: more, such as "dns:a:1", gRPC takes for something else.
ADDRESS = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\]):(?P<port>[1-9][0-9]{0,4})"
)
REPR = reprlib.Repr()  # unlike repr(), it goes only so deep
REPR.maxstring = 100
SECONDS_TO_GATHER = 50
SECONDS_OF_SILENCE = 20  # a worker not heard of for so long is lost; one that is killed is missed at once


@dataclass(frozen=True)
class Cluster:
    """The processes that train together, and which of them this one is."""

    hosts: dict[str, list[str]]  # of each job, the address HOST:PORT of each task
    job: str
    index: int  # among the job's tasks

    @property
    def n_workers(self) -> int:
        """The processes of all jobs."""
        return sum(map(len, self.hosts.values()))

    @property
    def chief_job(self) -> str:
        """The job whose first task prints and saves."""
        return "chief" if "chief" in self.hosts else "worker"


ALONE = Cluster({"worker": [""]}, "worker", 0)


def is_chief() -> bool:
    """Say whether this process is the one that prints and saves.

    Raises:
        UsageError: TF_CONFIG names no cluster, or no task in it.
    """
    cluster = _cluster()
    return (cluster.job, cluster.index) == (cluster.chief_job, 0)


def exposure_notice() -> str | None:
    """Return what the user must know of the port that TensorFlow opens; None where one process trains alone.

    TensorFlow's gRPC server has "0.0.0.0" written into it, and asks nobody who they are (2.21, grpc_server_lib.cc).

    Raises:
        UsageError: TF_CONFIG names no cluster, or no task in it.
    """
    cluster = _cluster()
    if cluster.n_workers == 1:
        return None
    port = cluster.hosts[cluster.job][cluster.index].rpartition(":")[2]
    return (
        f"while it trains, TensorFlow listens on port {port} of every network interface and asks for no password: "
        "whoever reaches it can read and write your files and stop the training; use a network that you trust"
    )


def _cluster() -> Cluster:
    """Return what TF_CONFIG says, which is checked to the last character: TensorFlow aborts, or waits, on much of it.

    Raises:
        UsageError: it says something else; the message, one line, shows what.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return ALONE
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        config = None
        _require(False, f"TF_CONFIG to be JSON like {EXAMPLE}", text)
    _require_object("TF_CONFIG", config)
    layer, hosts, task = (config.get(name) for name in ("rpc_layer", "cluster", "task"))
    _require(layer in (None, "grpc"), 'TF_CONFIG to have no rpc_layer or "grpc"', layer)
    _require_object("TF_CONFIG's cluster", hosts)
    _require_object("TF_CONFIG's task", task)
    _check_hosts(hosts)
    job, index = task.get("type"), task.get("index")
    _require(isinstance(job, str) and job in hosts, f"the type of TF_CONFIG's task to be one of {[*hosts]}", job)
    n = len(hosts[job])
    is_task = type(index) is int and 0 <= index < n
    _require(is_task, f"the index of TF_CONFIG's task to be an integer from 0 to {n - 1}", index)
    return Cluster(hosts, job, index)


def _check_hosts(hosts: dict[str, Any]) -> None:
    """Raise UsageError unless the cluster has the jobs that train, and each task an address of its own."""
    jobs = [*hosts]
    _require(jobs and {*jobs} <= {"chief", "worker"}, 'TF_CONFIG to name no job but "worker" and "chief"', jobs)
    known = set[str]()
    for job, addresses in hosts.items():
        _require(isinstance(addresses, list) and addresses, f"TF_CONFIG's {job} to be a list of HOST:PORT", addresses)
        _require(job == "worker" or len(addresses) == 1, "TF_CONFIG to name one chief", addresses)
        for address in addresses:
            match = ADDRESS.fullmatch(address) if isinstance(address, str) else None
            _require(match and int(match["port"]) < 2**16, f"each {job} of TF_CONFIG to be HOST:PORT", address)
            _require(address.lower() not in known, "every address in TF_CONFIG to be another", address)
            known.add(address.lower())


def _require_object(what: str, value: object) -> None:
    _require(isinstance(value, dict), f"{what} to be an object as in {EXAMPLE}", value)


def _require(condition: object, what: str, value: object) -> None:
    """Raise UsageError, with at most 80 characters of the value, all of them printable, unless the condition holds."""
    if not condition:
        found = REPR.repr(value)
        raise UsageError(f"expected {what}, got {found if len(found) <= 80 else f'{found[:77]}...'}")


def strategy(batch_size: int) -> Any:
    """Return how TensorFlow is to distribute: over the cluster, over this machine's GPUs, or not at all.

    Raises:
        UsageError: the batch cannot be shared evenly, or TF_CONFIG is wrong.
    """
    import tensorflow as tf

    n_workers = _cluster().n_workers
    replicas = n_workers * max(1, len(tf.config.list_physical_devices("GPU")))
    if batch_size % replicas:
        raise UsageError(f"expected `batch_size` to be a multiple of {replicas}, the replicas, got {batch_size}")
    if n_workers > 1:
        return _gathered_workers()
    return tf.distribute.MirroredStrategy() if replicas > 1 else tf.distribute.get_strategy()


@functools.cache  # a process can join a cluster only once
def _gathered_workers() -> Any:
    """Wait for the other workers; return the strategy of them all."""
    import tensorflow as tf
    from tensorflow.python.eager import context  # TensorFlow has no public name for what bounds the wait

    cluster = _cluster()
    context.context().configure_coordination_service(
        "standalone",
        f"/job:{cluster.chief_job}/replica:0/task:0",
        cluster_register_timeout_in_ms=1000 * SECONDS_TO_GATHER,
        heartbeat_timeout_in_ms=1000 * SECONDS_OF_SILENCE,
    )
    service = context.context().coordination_service
    service.cluster_register_with_barrier = True  # without it, the leader waits for the others for ever
    for job, hosts in cluster.hosts.items():
        service.coordinated_job_list.add(name=job, num_tasks=len(hosts))
    return tf.distribute.MultiWorkerMirroredStrategy()


def require_agreement(strategy: Any, facts: Callable[[], str]) -> None:
    """Raise UsageError unless every worker comes with the same facts: else each would train something else."""
    import tensorflow as tf

    if strategy.num_replicas_in_sync == 1:
        return
    digest = zlib.crc32(facts().encode())
    total = tf.function(sum_over_shares, autograph=False)(strategy, lambda: tf.constant(digest, tf.int64), ())
    if total != digest * strategy.num_replicas_in_sync:
        raise UsageError(
            "expected every worker to start with the same options, pattern or data, and weights, got different ones"
        )


def sum_over_shares(strategy: Any, function: Callable[..., Any], batch: tuple[Any, ...], *whole: Any) -> Any:
    """Call the function on every replica with its share of the batch's rows; return the sum of what it returns.

    `batch` holds tensors `[B, …]`, of which the function gets `[B / replicas, …]`; `whole` is handed on as it is. It
    returns one tensor, so that the replicas wait for each other once.
    """
    import tensorflow as tf

    def on_a_replica() -> Any:
        context = tf.distribute.get_replica_context()
        replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
        shares = [tf.reshape(x, (replicas, -1, *x.shape[1:]))[replica] for x in batch]
        return context.all_reduce("SUM", function(*shares, *whole))

    return strategy.experimental_local_results(strategy.run(on_a_replica))[0]  # all are alike


@contextlib.contextmanager
def lost_workers_reported() -> Iterator[None]:
    """Raise TrainingError where TensorFlow says that the workers did not gather, or that one is lost."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        n_workers = _cluster().n_workers
        if n_workers == 1:
            raise
        reason = error.message.rpartition("aborted by: ")[2].strip().splitlines()[0].partition(". ")[0]
        raise TrainingError(
            f"expected all {n_workers} workers of TF_CONFIG to start within {SECONDS_TO_GATHER} s "
            f"and to stay to the end, but TensorFlow says: {reason}"
        ) from error
