"""Fork test processes from a server that has already loaded TensorFlow.

`python -IS fork_server.py ARGUMENTS` runs `python ARGUMENTS` and saves 4 seconds of CPU time. The client sends its
arguments, environment, working directory and standard streams to the server, forwards signals, and exits with the
status of the forked process. If the client is killed, the server kills the forked process. The environment variable
FORK_SERVER contains the server's address.

Tests that depend on how Python starts (its options, the locale, the hash seed, its imports) need a real process.
"""

import contextlib
import os
import signal
import socket
import sys

STREAMS = range(3)
FORWARDED = signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)  # Windows has no SIGHUP


def is_open(descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        os.fstat(descriptor)
        return True
    return False


def request_run() -> int:
    """Have the server run this process's arguments; return the exit status, or minus the signal that ended the run."""
    if "FORK_SERVER" not in os.environ:
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    streams = [descriptor for descriptor in STREAMS if is_open(descriptor)]
    for descriptor in STREAMS:
        if descriptor not in streams:  # otherwise the socket would get this number
            os.open(os.devnull, os.O_RDWR)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(os.environ["FORK_SERVER"])
    folder = os.open(".", os.O_RDONLY)
    request = repr((sys.argv[1:], dict(os.environ), streams)).encode()
    for signum in FORWARDED:
        if signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, lambda signum, _: connection.send(bytes([signum])))
    socket.send_fds(connection, [request], [folder, *streams])
    for descriptor in (folder, *streams):  # a pipe's reader must see EOF when the forked process ends
        os.close(descriptor)
    status = connection.recv(100)
    return int(status) if status else 1


# ---- The server ----


@contextlib.contextmanager
def running(folder: str, environment: dict[str, str]):
    """Run a server whose address is in the folder; yield its address."""
    import subprocess

    address = os.path.join(folder, "server")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(64)
        descriptor = listener.fileno()
        argv = [sys.executable, __file__, "--serve", str(descriptor)]
        # The server exits when its standard input closes, at the end of this block or of this process.
        with subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=[descriptor], env=environment):
            yield address


def serve(descriptor: int) -> None:
    """Serve until standard input closes. Return only in a forked process, ready to run its request."""
    import select

    listener = socket.socket(fileno=descriptor)
    children = {}  # connection → process
    wake_reader, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    signal.set_wakeup_fd(wake_writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([0, wake_reader, listener, *children], [], [])
        if 0 in ready:
            os._exit(0)
        if wake_reader in ready:
            os.read(wake_reader, 1000)
        for connection in set(ready) & set(children):
            with contextlib.suppress(OSError):
                signum = connection.recv(1)
                os.kill(children[connection], signum[0] if signum else signal.SIGKILL)
        for connection, process in [*children.items()]:
            pid, status = os.waitpid(process, os.WNOHANG)
            if pid:
                with contextlib.suppress(OSError):
                    connection.send(str(os.waitstatus_to_exitcode(status)).encode())
                connection.close()
                del children[connection]
        if listener in ready:
            connection, _ = listener.accept()
            request, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 1 + len(STREAMS))
            if not request:
                connection.close()
                continue
            preload()
            children[connection] = os.fork()
            if not children[connection]:
                signal.set_wakeup_fd(-1)
                for other in (wake_reader, wake_writer):
                    os.close(other)
                for other in (listener, *children):
                    other.close()
                adopt(eval(request), descriptors)
                return
            for received in descriptors:
                os.close(received)


def preload() -> None:
    """Import slow modules that start no threads."""
    import gc

    import seq2seq_demo.commands.train
    import seq2seq_demo.network.keras_network.tensorflow_setup  # noqa: F401

    gc.freeze()  # otherwise a collection in a forked process would copy all pages


def adopt(request: tuple[list[str], dict[str, str], list[int]], descriptors: list[int]) -> None:
    """Take the arguments, environment, working directory and standard streams of a request."""
    import tempfile

    sys.argv[:], environment, streams = request
    folder, *received = descriptors
    os.fchdir(folder)
    os.close(folder)
    for descriptor in STREAMS:
        os.close(descriptor)
    for descriptor, stream in zip(received, streams, strict=True):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    tempfile.tempdir = None
    own = {name: os.environ[name] for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "XLA_FLAGS")}
    os.environ.clear()
    os.environ.update(environment | own)
    for stream, name in enumerate(("stdin", "stdout", "stderr")):
        options = {"buffering": 1, "errors": "backslashreplace"} if name == "stderr" else {}
        file = open(stream, "w" if stream else "r", closefd=False, **options) if stream in streams else None  # noqa: SIM115
        setattr(sys, name, file)
        setattr(sys, f"__{name}__", file)
    sys.path[:] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path] + sys.path
    for signum in (*FORWARDED, signal.SIGCHLD):
        signal.signal(signum, signal.default_int_handler if signum == signal.SIGINT else signal.SIG_DFL)


def run_and_exit() -> None:
    """Run the request, and exit without TensorFlow's cleanup, which takes a second."""
    import atexit
    import threading
    import traceback

    code = 0
    try:
        run()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
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
            code = 120  # Python's status for a failed flush
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
        if process := sys.modules.get("multiprocessing.process"):
            process.ORIGINAL_DIR = os.getcwd()  # spawned processes look for the file in this folder
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
        run_and_exit()
    else:
        status = request_run()
        if status < 0:
            if -status in FORWARDED:
                signal.signal(-status, signal.SIG_DFL)
            os.kill(os.getpid(), -status)
        os._exit(status)
