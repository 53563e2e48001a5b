"""Workers: processes, usually on several machines, that train one network together as TF_CONFIG describes.

Every worker draws the same points and holds the same weights. A replica is a GPU, or a worker without GPUs. Each
replica takes an equal part of the rows of a batch, and an all-reduce adds up the results.
"""

import contextlib
import functools
import json
import os
import reprlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from seq2seq_demo.errors import TrainingError, UsageError
from seq2seq_demo.training.snapshots import Snapshot

EXAMPLE = '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}'
# Without authentication, TensorFlow 2.21 listens on 0.0.0.0, whatever address TF_CONFIG gives (grpc_server_lib.cc).
OPEN_PORT = (
    "during training, TensorFlow listens on a port of every network interface and asks for no password: "
    "anyone who can reach the port can read and write your files and stop the training; use a network that you trust"
)
SECONDS_TO_GATHER = 50
SECONDS_OF_SILENCE = 20  # after this time, a worker counts as lost; a killed worker is noticed at once


@dataclass(frozen=True)
class Cluster:
    """The jobs of a cluster, and the job and index of this process."""

    hosts: dict[str, list[str]]  # for each job, the address HOST:PORT of each task
    job: str
    index: int  # the task's index within the job

    @property
    def n_workers(self) -> int:
        """The number of workers, the chief included."""
        return sum(map(len, self.hosts.values()))

    @property
    def chief_job(self) -> str:
        """The job whose first task is the chief, the worker that prints and saves."""
        return "chief" if "chief" in self.hosts else "worker"


def is_chief() -> bool:
    """Return whether this worker is the chief, which prints and saves.

    Raises:
        UsageError: TF_CONFIG is invalid.
    """
    cluster = _cluster()
    return (cluster.job, cluster.index) == (cluster.chief_job, 0)


def is_single() -> bool:
    """Return whether this process trains without other workers.

    Raises:
        UsageError: TF_CONFIG is invalid.
    """
    return _cluster().n_workers == 1


def _cluster() -> Cluster:
    """Parse TF_CONFIG; without it, this process is the only worker.

    Raises:
        UsageError: TF_CONFIG is invalid.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return Cluster({"worker": [""]}, "worker", 0)
    try:
        config = json.loads(text)
        cluster = Cluster(config["cluster"], config["task"]["type"], config["task"]["index"])
        has_task = 0 <= cluster.index < len(cluster.hosts[cluster.job])
        is_valid = has_task and cluster.hosts.keys() <= {"chief", "worker"}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        is_valid = False
    if not is_valid:
        raise UsageError(f"expected TF_CONFIG like {EXAMPLE}, got {reprlib.repr(text)}")
    return cluster


def strategy(batch_size: int) -> Any:
    """Return TensorFlow's distribution strategy: for the workers, for this machine's GPUs, or the default.

    Raises:
        UsageError: the replicas cannot share the batch evenly, or TF_CONFIG is invalid.
    """
    import tensorflow as tf

    n_workers = _cluster().n_workers
    replicas = n_workers * max(1, len(tf.config.list_physical_devices("GPU")))
    if batch_size % replicas:
        multiple = f"a multiple of {replicas}, the number of replicas"
        raise UsageError(f"expected `batch_size` to be {multiple}, got {batch_size}")
    if n_workers > 1:
        return _connect_workers()
    return tf.distribute.MirroredStrategy() if replicas > 1 else tf.distribute.get_strategy()


@functools.cache  # a process can join a cluster only once
def _connect_workers() -> Any:
    """Wait until all workers have connected; return their strategy."""
    import tensorflow as tf
    from tensorflow.python.eager import context  # no public API sets these timeouts

    cluster = _cluster()
    context.context().configure_coordination_service(
        "standalone",
        f"/job:{cluster.chief_job}/replica:0/task:0",
        cluster_register_timeout_in_ms=1000 * SECONDS_TO_GATHER,
        heartbeat_timeout_in_ms=1000 * SECONDS_OF_SILENCE,
    )
    service = context.context().coordination_service
    service.cluster_register_with_barrier = True  # otherwise the chief waits without a timeout
    for job, hosts in cluster.hosts.items():
        service.coordinated_job_list.add(name=job, num_tasks=len(hosts))
    return tf.distribute.MultiWorkerMirroredStrategy()


def require_agreement(strategy: Any, start: Snapshot) -> None:
    """Raise UsageError unless every worker has the same settings, data and initial state."""
    import tensorflow as tf

    if strategy.num_replicas_in_sync == 1:
        return
    digest = zlib.crc32(start.to_bytes())
    total = tf.function(sum_over_replicas, autograph=False)(strategy, lambda _: tf.constant(digest, tf.int64))
    if total != digest * strategy.num_replicas_in_sync:
        raise UsageError("the workers differ in their options, their pattern or data, or their initial weights")


def sum_over_replicas(strategy: Any, function: Callable[[Any], Any]) -> Any:
    """Call a function on each of several replicas with the replica's number; return the sum of the results.

    The function returns one tensor, so that the replicas synchronise only once.
    """
    import tensorflow as tf

    def reduced() -> Any:
        context = tf.distribute.get_replica_context()
        return context.all_reduce("SUM", function(context.replica_id_in_sync_group))

    return strategy.experimental_local_results(strategy.run(reduced))[0]  # all are equal


@contextlib.contextmanager
def report_lost_workers() -> Iterator[None]:
    """Turn TensorFlow's errors, for example about a missing or lost worker, into TrainingErrors."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        n_workers = _cluster().n_workers
        reason = error.message.rpartition("aborted by: ")[2].strip().partition("\n")[0].partition(". ")[0]
        if n_workers == 1:
            raise TrainingError(f"TensorFlow failed with {type(error).__name__}: {reason}") from error
        expected = f"all {n_workers} workers of TF_CONFIG to start within {SECONDS_TO_GATHER} s and stay until the end"
        raise TrainingError(f"expected {expected}, got TensorFlow's error: {reason}") from error
