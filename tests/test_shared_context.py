import os
import signal
import threading

import pytest

from seq2seq_demo.shared_context import SharedContext


class Recorded(SharedContext):
    """A context that records its events; `begin` waits for `may_begin`."""

    def __init__(self):
        super().__init__()
        self.events, self.is_begun, self.may_begin = [], threading.Event(), threading.Event()

    def begin(self):
        self.is_begun.set()
        self.may_begin.wait(10)
        self.events.append("begin")

    def end(self):
        self.events.append("end")


def exit_status_of_fork(function):
    """Run the function in a forked process; return 0 if it returns True, and -SIGALRM if it hangs."""
    if not (process := os.fork()):
        signal.alarm(5)
        os._exit(not function())
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.mark.parametrize("begun", [False, True])
def test_a_process_forked_while_another_thread_is_inside(begun):
    """The forked process must not wait for another thread's lock, and must end the contexts of other threads."""
    context, may_leave, is_inside = Recorded(), threading.Event(), threading.Event()

    def other():
        with context:
            is_inside.set()
            may_leave.wait(10)

    def child():
        context.may_begin.set()
        context.events.append("fork")
        with context, context:
            context.events.append("inside")
        return context.events == [*(["begin", "end"] if begun else []), "fork", "begin", "inside", "end"]

    thread = threading.Thread(target=other)
    thread.start()
    context.is_begun.wait(10)
    if begun:
        context.may_begin.set()
        is_inside.wait(10)
    try:
        assert exit_status_of_fork(child) == 0
    finally:
        context.may_begin.set()
        may_leave.set()
        thread.join()
    assert context.events == ["begin", "end"]


def test_a_process_that_forks_inside_stays_inside():
    context = Recorded()
    context.may_begin.set()

    def child():
        context.__exit__()
        return context.events == ["begin", "end"]

    with context:
        assert exit_status_of_fork(child) == 0
        assert context.events == ["begin"]
