"""Attacks the service of DEPLOY.md: malformed requests must get a 4xx answer, and later ones must still be answered."""

import json
import random
import socket
from pathlib import Path

from serve_load import service

from attacks.running import ROOT, run_cases

WEIGHTS = ROOT / "trained_weights" / "g2p.weights.h5"
BODY = b'["hello"]'
LENGTHS = ["9", "-1", "1000000000000000", "\u0663", "8", "12", "x", "", "1000001", "0", "+9", "9, 9", "0x9", " 9 "]


def malformed_requests() -> tuple[int, list[str]]:
    """Send mostly malformed requests, each followed by a valid request that must be answered."""
    with service(Path(WEIGHTS)) as (port, process):

        def post(length: str, body: bytes) -> tuple[int, str]:
            with socket.create_connection(("localhost", port), timeout=20) as connection:
                connection.sendall(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode() + body)
                connection.shutdown(socket.SHUT_WR)
                head, _, content = b"".join(iter(lambda: connection.recv(4096), b"")).partition(b"\r\n\r\n")
            return int(head.split()[1]), content.decode()

        def case(number: int) -> None:
            rng = random.Random(number)
            length, body = LENGTHS[number % len(LENGTHS)], rng.choice([BODY, rng.randbytes(9), b"", b"[" * 9])
            status, answer = post(length, body)
            assert status in (200, 400, 413), f"{length!r} {body!r}: {status}"
            assert (status == 200) == (length.strip() == "9" and body == BODY), (
                f"{length!r} {body!r}: {status} {answer}"
            )
            assert post("9", BODY) == (200, json.dumps(["HH EH L OW"]))
            assert process.poll() is None

        return run_cases([(f"request {number}", lambda number=number: case(number)) for number in range(200)])
