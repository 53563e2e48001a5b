import gc
import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from seq2seq_demo.network.thread_pool import in_threads


def test_in_threads_keeps_the_order_and_reads_little_ahead():
    read = []
    results = in_threads(lambda x: x * x, (read.append(x) or x for x in range(1000)))
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(read) < 100
    assert list(results) == [x * x for x in range(3, 1000)]


def test_the_number_of_threads():
    together = threading.Barrier(3)
    assert sorted(in_threads(lambda _: together.wait(20), range(3), 3)) == [0, 1, 2]


@pytest.fixture
def blas_threads():
    """A function that returns the thread counts of the BLAS libraries, which the fixture sets to 2."""
    gc.collect()  # iterators of earlier tests, which failed before their ends

    def blas_threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    def set_in_a_thread(n):
        """Use a short-lived thread: until it ends, threadpoolctl lets no other thread change OpenBLAS."""
        thread = threading.Thread(target=threadpool_limits, kwargs={"limits": n, "user_api": "blas"})
        thread.start()
        thread.join()

    before = max(blas_threads())
    set_in_a_thread(2)
    yield blas_threads
    set_in_a_thread(before)


def test_blas_has_one_thread_while_in_threads_runs(blas_threads):
    before = blas_threads()
    assert 2 in before
    one = [1] * len(before)
    assert list(in_threads(lambda _: blas_threads(), range(5))) == [one] * 5
    assert blas_threads() == before
    results = in_threads(lambda x: x, range(1000))
    assert blas_threads() == before  # unchanged until the first result
    next(results)
    assert blas_threads() == one
    results.close()  # as Ctrl-C does
    assert blas_threads() == before


def test_blas_gets_its_threads_back_from_two_users(blas_threads):
    before = blas_threads()
    users = [in_threads(lambda x: x, range(1000)) for _ in range(2)]
    assert [next(user) for user in users] == [0, 0]
    assert blas_threads() == [1] * len(before)
    for user in users:
        assert list(user) == list(range(1, 1000))
    assert blas_threads() == before
