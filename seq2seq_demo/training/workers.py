"""Several workers: who they are, by TF_CONFIG, and what TensorFlow needs so that they train one network together.

Every worker draws the same points and holds the same weights. Of each batch, each replica (a worker without a GPU is
one, a worker with GPUs one on each) takes its share of the rows; the sums over the shares are what one machine gets.
"""

import contextlib
import functools
import json
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from seq2seq_demo.errors import TrainingError, UsageError

EXAMPLE = '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}'
SECONDS_TO_GATHER = 50
SECONDS_OF_SILENCE = 20  # a worker not heard of for so long is lost; one that is killed is missed at once


def is_chief() -> bool:
    """Say whether this process is the one that prints and saves.

    Raises:
        UsageError: TF_CONFIG names no cluster, or no task in it.
    """
    jobs, job, index = _cluster()
    return index == 0 and job == ("chief" if "chief" in jobs else "worker")


def _cluster() -> tuple[dict[str, int], str, int]:
    """Return how many tasks each job has, and which task of which job this process is."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return {"worker": 1}, "worker", 0
    try:
        config = json.loads(text)
        jobs = {job: len([host.rindex(":") for host in hosts]) for job, hosts in config["cluster"].items()}
        job, index = config["task"]["type"], config["task"]["index"]
        if jobs.keys() <= {"chief", "worker"} and jobs.get("chief", 1) == 1 and index in range(jobs[job]):
            return jobs, job, index
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise UsageError(f"expected TF_CONFIG to be JSON like {EXAMPLE}, got {text}")


def strategy(batch_size: int) -> Any:
    """Return how TensorFlow is to distribute: over the cluster, over this machine's GPUs, or not at all.

    Raises:
        UsageError: the batch cannot be shared evenly, or TF_CONFIG is wrong.
    """
    import tensorflow as tf

    n_workers = sum(_cluster()[0].values())
    replicas = n_workers * max(1, len(tf.config.list_physical_devices("GPU")))
    if batch_size % replicas:
        raise UsageError(f"expected batch-size to be a multiple of {replicas}, the replicas, got {batch_size}")
    if n_workers > 1:
        return _gathered_workers()
    return tf.distribute.MirroredStrategy() if replicas > 1 else tf.distribute.get_strategy()


@functools.cache  # a process can join a cluster only once
def _gathered_workers() -> Any:
    """Wait for the other workers; return the strategy of them all."""
    import tensorflow as tf
    from tensorflow.python.eager import context  # TensorFlow has no public name for what bounds the wait

    jobs, *_ = _cluster()
    leader = f"/job:{'chief' if 'chief' in jobs else 'worker'}/replica:0/task:0"
    context.context().configure_coordination_service(
        "standalone",
        leader,
        cluster_register_timeout_in_ms=1000 * SECONDS_TO_GATHER,
        heartbeat_timeout_in_ms=1000 * SECONDS_OF_SILENCE,
    )
    service = context.context().coordination_service
    service.cluster_register_with_barrier = True  # without it, the leader waits for the others for ever
    for job, tasks in jobs.items():
        service.coordinated_job_list.add(name=job, num_tasks=tasks)
    return tf.distribute.MultiWorkerMirroredStrategy()


def require_agreement(strategy: Any, facts: Callable[[], str]) -> None:
    """Raise UsageError unless every worker comes with the same facts: else each would train something else."""
    import tensorflow as tf

    if strategy.num_replicas_in_sync == 1:
        return
    digest = zlib.crc32(facts().encode())
    (total,) = tf.function(sum_over_shares, autograph=False)(strategy, lambda: [tf.constant(digest, tf.int64)], ())
    if total != digest * strategy.num_replicas_in_sync:
        raise UsageError("expected every worker to start from the same options and weights, got different ones")


def sum_over_shares(
    strategy: Any, function: Callable[..., list[Any]], batch: tuple[Any, ...], *whole: Any
) -> list[Any]:
    """Call the function on every replica with its share of the batch's rows; return the sums of what it returns.

    `batch` holds tensors `[B, …]`, of which the function gets `[B / replicas, …]`; `whole` is handed on as it is. It
    returns a list of tensors made in it: one that several replicas return would be counted once.
    """
    import tensorflow as tf

    def on_a_replica() -> list[Any]:
        context = tf.distribute.get_replica_context()
        replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
        shares = [tf.reshape(x, (replicas, -1, *x.shape[1:]))[replica] for x in batch]
        return context.all_reduce("SUM", function(*shares, *whole))

    return [strategy.experimental_local_results(total)[0] for total in strategy.run(on_a_replica)]  # all are alike


@contextlib.contextmanager
def lost_workers_reported() -> Iterator[None]:
    """Raise TrainingError where TensorFlow says that the workers did not gather, or that one is lost."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        n_workers = sum(_cluster()[0].values())
        if n_workers == 1:
            raise
        reason = error.message.rpartition("aborted by: ")[2].strip().splitlines()[0].partition(". ")[0]
        raise TrainingError(
            f"expected all {n_workers} workers of TF_CONFIG to start within {SECONDS_TO_GATHER} s "
            f"and to stay to the end, but TensorFlow says: {reason}"
        ) from error
