"""Fork test processes from a server that has already loaded TensorFlow.

`python -IS fork_server.py ARGUMENTS` runs `python ARGUMENTS` and saves 5 seconds of CPU time. The client sends its
arguments, environment, working directory and standard streams to the server, and exits with the status of the forked
process. If the client is killed, the forked process is killed too. The environment variable FORK_SERVER contains the
server's address. Linux only.

Tests that depend on how Python starts (its options, the locale, the hash seed, its imports) need a real process.
"""

import contextlib
import os
import select
import signal
import socket
import sys

STREAMS = range(3)


def request_run() -> int:
    """Have the server run this process's arguments; return the exit status."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(os.environ["FORK_SERVER"])
    folder = os.open(".", os.O_RDONLY)
    request = repr((sys.argv[1:], dict(os.environ))).encode()
    socket.send_fds(connection, [request], [folder, *STREAMS])
    for descriptor in (folder, *STREAMS):  # a pipe's reader must see EOF when the forked process ends
        os.close(descriptor)
    return int(connection.recv(100) or 1)


# ---- The server ----


@contextlib.contextmanager
def running(folder: str, environment: dict[str, str]):
    """Run a server whose address is in the folder; yield its address."""
    import subprocess

    address = os.path.join(folder, "server")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(64)
        argv = [sys.executable, __file__, "--serve", str(listener.fileno())]
        # The server exits when its standard input closes, at the end of this block or of this process.
        with subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=[listener.fileno()], env=environment):
            yield address


def serve(listener: socket.socket) -> None:
    """Fork a process for each client, until standard input closes. Return only in a process with a request to run."""
    forked = []
    while 0 not in select.select([0, listener], [], [])[0]:
        connection, _ = listener.accept()
        with connection:
            preload()
            forked.append(os.fork())
            if not forked[-1]:
                listener.close()
                return answer(connection)
    for process in forked:  # so that their CPU time counts
        os.waitpid(process, 0)
    os._exit(0)


def preload() -> None:
    """Import slow modules that start no threads."""
    import gc

    import seq2seq_demo.commands.train
    import seq2seq_demo.network.keras_network.tensorflow_setup  # noqa: F401

    gc.freeze()  # otherwise a collection in a forked process would copy all pages


def answer(connection: socket.socket) -> None:
    """Fork the process that a client requests, and send its exit status; return only in it."""
    request, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 1 + len(STREAMS))
    process = os.fork()
    if not process:
        return adopt(eval(request), descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    ended = os.pidfd_open(process)
    if ended not in select.select([ended, connection], [], [])[0]:  # the client has been killed
        os.kill(process, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with contextlib.suppress(OSError):
        connection.send(str(status).encode())
    os._exit(0)


def adopt(request: tuple[list[str], dict[str, str]], descriptors: list[int]) -> None:
    """Take the arguments, environment, working directory and standard streams of a request."""
    import tempfile

    sys.argv[:], environment = request
    folder, *received = descriptors
    os.fchdir(folder)
    os.close(folder)
    for stream, descriptor in enumerate(received):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    tempfile.tempdir = None
    own = {name: os.environ[name] for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "XLA_FLAGS")}
    os.environ.clear()
    os.environ.update(environment | own)
    for stream, name in enumerate(("stdin", "stdout", "stderr")):
        options = {"buffering": 1, "errors": "backslashreplace"} if name == "stderr" else {}
        file = open(stream, "w" if stream else "r", closefd=False, **options)  # noqa: SIM115
        setattr(sys, name, file)
        setattr(sys, f"__{name}__", file)
    sys.path[:] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path] + sys.path


def run_and_exit() -> None:
    """Run the request, and exit without TensorFlow's cleanup, which takes a second."""
    import atexit
    import traceback

    code = 0
    try:
        run()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


def run() -> None:
    """Run `-m MODULE`, `-c CODE` or a file, as `python` does."""
    import runpy

    first = sys.argv[0]
    sys.path.insert(0, os.path.dirname(os.path.abspath(first)) if first not in ("-m", "-c") else "")
    if first == "-m":
        runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
    elif first == "-c":
        exec(compile(sys.argv.pop(1), "<string>", "exec"), {"__name__": "__main__"})
    else:
        runpy.run_path(os.path.abspath(first), run_name="__main__")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(socket.socket(fileno=int(sys.argv[2])))
        run_and_exit()
    os._exit(request_run())
