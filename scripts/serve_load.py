"""Load-test the service of DEPLOY.md: check every answer, and print speed, CPU time and memory.

    .venv/bin/python scripts/serve_load.py [WEIGHTS] [--clients 8] [--seconds 60] [--sources 1]

The clients run on the same machine as the service and share its cores.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq_demo import load

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "seq2seq_demo" / "docs" / "DEPLOY.md"
WORDS = ["hello", "world", "network", "sequence", "a", "attention", "pronunciation", "rhythm", "knight", "through"]


class Load(NamedTuple):
    """The result of a measurement."""

    requests: int
    wrong: int  # answers that differ from a direct call
    seconds: float
    latencies: Sequence[float]  # seconds
    cpu_seconds: float  # CPU time of the service
    megabytes: float  # its peak memory


@contextlib.contextmanager
def service(weights: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run the service of DEPLOY.md in a process; yield its port and the process."""
    (code,) = re.findall(r"^```python\n(# serve\.py\n.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    with socket.socket() as unused:
        unused.bind(("", 0))
        port = unused.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, "-c", code, str(weights), str(port)], stderr=log)
        try:
            while process.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("localhost", port)):
                    break
                time.sleep(0.05)
            yield port, process
        finally:
            process.terminate()
            process.wait()


def ask(connection: http.client.HTTPConnection, body: str | bytes) -> tuple[int, Any]:
    """Post a string; return the status and the JSON value of the answer."""
    connection.request("POST", "/", body)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def usage(pid: int) -> tuple[float, float]:
    """Return the CPU time of a process in seconds and its peak memory in MB; 0 on systems other than Linux."""
    if sys.platform != "linux":
        return 0, 0
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert peak
    return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK"), int(peak[1]) / 1000


def measure(weights: Path, requests: Sequence[Any], n_clients: int, seconds: float) -> Load:
    """Send the requests in turn, from `n_clients` clients at once, for this number of seconds."""
    network = load(weights)
    asked = [(json.dumps(sources), (200, network.predict(sources))) for sources in requests]
    latencies: list[float] = []
    wrong: list[str] = []
    with service(weights) as (port, process), ThreadPoolExecutor(n_clients) as pool:

        def client(number: int) -> None:
            with contextlib.closing(http.client.HTTPConnection("localhost", port)) as connection:
                while (began := time.perf_counter()) < end:
                    number += 1
                    body, expected = asked[number % len(asked)]
                    if ask(connection, body) != expected:
                        wrong.append(body)
                    latencies.append(time.perf_counter() - began)

        start, (cpu_before, _) = time.perf_counter(), usage(process.pid)
        end = start + seconds
        list(pool.map(client, range(n_clients)))
        took, (cpu, megabytes) = time.perf_counter() - start, usage(process.pid)
        return Load(len(latencies), len(wrong), took, latencies, cpu - cpu_before, megabytes)


def main() -> None:
    """Measure a service and print a table row."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("weights", type=Path, nargs="?", default=ROOT / "trained_weights" / "g2p.weights.h5")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--sources", type=int, default=1, help="the number of sources per request")
    options = parser.parse_args()
    requests = [[WORDS[(n + k) % len(WORDS)] for k in range(options.sources)] for n in range(len(WORDS))]
    result = measure(options.weights, requests, options.clients, options.seconds)
    p50, p95 = (1000 * statistics.quantiles(result.latencies, n=20)[k] for k in (9, 18))
    columns = "clients", "sources per request", "requests per second", "median time", "95%", "CPU per request"
    print(f"| {' | '.join(columns)} | peak memory | wrong answers |\n|{'---|' * (len(columns) + 2)}")
    times = f"{result.requests / result.seconds:.0f} | {p50:.0f} ms | {p95:.0f} ms"
    cpu = f"{1000 * result.cpu_seconds / result.requests:.1f} ms | {result.megabytes:.0f} MB"
    print(f"| {options.clients} | {options.sources} | {times} | {cpu} | {result.wrong} of {result.requests} |")


if __name__ == "__main__":
    main()
