"""Processes that need not load TensorFlow: a server forks each one from itself, which has loaded it once.

`python -IS fork_server.py ARGUMENTS` is then `python ARGUMENTS`, 4 seconds of computing sooner. It hands its arguments,
environment, working directory and standard streams to the server, passes signals on, and ends as the forked process
ends; where it is killed, that process is killed too. FORK_SERVER of the environment is the server's address.

What depends on how Python itself starts (its options, the locale, the seed of hashes, what it imports) needs a real
process.
"""

import contextlib
import os
import signal
import socket
import sys

STREAMS = range(3)
PASSED_ON = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def is_open(descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        os.fstat(descriptor)
        return True
    return False


def ask() -> int:
    """Have the server run this process's arguments; return how the process that it forks ended, as Popen tells it."""
    if "FORK_SERVER" not in os.environ:
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    streams = [descriptor for descriptor in STREAMS if is_open(descriptor)]
    for descriptor in STREAMS:
        if descriptor not in streams:  # so that the socket does not take its place
            os.open(os.devnull, os.O_RDWR)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(os.environ["FORK_SERVER"])
    folder = os.open(".", os.O_RDONLY)
    request = repr((sys.argv[1:], dict(os.environ), streams)).encode()
    for signum in PASSED_ON:
        if signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, lambda signum, _: connection.send(bytes([signum])))
    socket.send_fds(connection, [request], [folder, *streams])
    for descriptor in (folder, *streams):  # a pipe's reader finds its end when the forked process closes it
        os.close(descriptor)
    status = connection.recv(100)
    return int(status) if status else 1


# ---- The server ----


@contextlib.contextmanager
def running(folder: str, environment: dict[str, str]):
    """Run a server whose address is in the folder; yield its address."""
    import subprocess

    address = os.path.join(folder, "server")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen(64)
        descriptor = listening.fileno()
        argv = [sys.executable, __file__, "--serve", str(descriptor)]
        # It leaves once its standard input ends, with this block or with this process.
        with subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=[descriptor], env=environment):
            yield address


def serve(descriptor: int) -> None:
    """Serve until standard input ends; in a forked process, return, ready to run what it was asked for."""
    import select

    listening = socket.socket(fileno=descriptor)
    children = {}  # connection → process
    awake, waking = os.pipe()
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(waking)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([0, awake, listening, *children], [], [])
        if 0 in ready:
            os._exit(0)
        if awake in ready:
            os.read(awake, 1000)
        for connection in set(ready) & set(children):
            with contextlib.suppress(OSError):
                signum = connection.recv(1)
                os.kill(children[connection], signum[0] if signum else signal.SIGKILL)
        for connection, process in [*children.items()]:
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                with contextlib.suppress(OSError):
                    connection.send(str(os.waitstatus_to_exitcode(status)).encode())
                connection.close()
                del children[connection]
        if listening in ready:
            connection, _ = listening.accept()
            request, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 1 + len(STREAMS))
            if not request:
                connection.close()
                continue
            load()
            children[connection] = os.fork()
            if not children[connection]:
                signal.set_wakeup_fd(-1)
                for other in (awake, waking):
                    os.close(other)
                for other in (listening, *children):
                    other.close()
                become(eval(request), descriptors)
                return
            for given in descriptors:
                os.close(given)


def load() -> None:
    """Load what takes long, and starts no thread."""
    import gc

    import seq2seq_demo.commands.train
    import seq2seq_demo.network.keras_network.tensorflow_setup  # noqa: F401

    gc.freeze()  # or what is collected in a forked process copies all of it


def become(request: tuple[list[str], dict[str, str], list[int]], descriptors: list[int]) -> None:
    """Take the arguments, environment, working directory and standard streams of a request."""
    import tempfile

    sys.argv[:], environment, streams = request
    folder, *given = descriptors
    os.fchdir(folder)
    os.close(folder)
    for descriptor in STREAMS:
        os.close(descriptor)
    for descriptor, stream in zip(given, streams, strict=True):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    tempfile.tempdir = None
    kept = {name: os.environ[name] for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "XLA_FLAGS")}
    os.environ.clear()
    os.environ.update(environment | kept)
    for stream, name in enumerate(("stdin", "stdout", "stderr")):
        how = {"buffering": 1, "errors": "backslashreplace"} if name == "stderr" else {}
        opened = open(stream, "w" if stream else "r", closefd=False, **how) if stream in streams else None  # noqa: SIM115
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)
    sys.path[:] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path] + sys.path
    for signum in (*PASSED_ON, signal.SIGCHLD):
        signal.signal(signum, signal.default_int_handler if signum == signal.SIGINT else signal.SIG_DFL)


def run_to_the_end() -> None:
    """Run what was asked for, and end without clearing TensorFlow away, which takes a second."""
    import atexit
    import threading
    import traceback

    code = 0
    try:
        run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream:
                stream.flush()
        except OSError:
            code = 120  # as Python's own
    os._exit(code)


def run() -> None:
    """Run `-m MODULE`, `-c CODE` or a file, as `python` does."""
    import runpy

    first = sys.argv[0]
    if first == "-m":
        del sys.argv[0]
        sys.path.insert(0, "")
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        code = sys.argv.pop(1)
        sys.path.insert(0, "")
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(first)))
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
        run_to_the_end()
    else:
        status = ask()
        if status < 0:
            signal.signal(-status, signal.SIG_DFL)
            os.kill(os.getpid(), -status)
        os._exit(status)
