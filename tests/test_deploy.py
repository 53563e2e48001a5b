"""The service of DEPLOY.md, under load and with invalid requests."""

import contextlib
import http.client
import socket

import pytest
import serve_load
from helpers import ROOT, save_texts

pytestmark = pytest.mark.slow


def test_eight_clients_get_the_answers_of_direct_calls():
    weights = ROOT / "trained_weights" / "ts2s__embedding_attention__reversed_1.weights.h5"
    requests = [[[1]], [[3, 1, 2], [2, 0]], [[9] * 20], [], [[4, 5], [6], [7, 8, 9]]]
    result = serve_load.measure(weights, requests, n_clients=8, seconds=0.5)
    assert (result.wrong, result.requests >= 8) == (0, True)


def test_invalid_requests_are_answered_with_an_error(tmp_path):
    save_texts(tmp_path / "w.h5", ("characters", ("a", "b", "c")), ("words", ("X", "Y", "Z")))
    with (
        serve_load.service(tmp_path / "w.h5") as (port, _),
        contextlib.closing(http.client.HTTPConnection("localhost", port)) as connection,
    ):
        for body, message in [
            ('["abx"]', 'sources, row 0: expected characters seen in training, got "x" at position 3'),
            ('"ab"', "expected a list of sources"),
            ("[" * 100_000, "maximum recursion depth exceeded"),
            (b"\xff", "'utf-8' codec can't decode byte 0xff"),
            ("", "Expecting value"),  # http.client sends Content-Length: 0
        ]:
            status, answer = serve_load.ask(connection, body)
            assert (status, [*answer]) == (400, ["error"])
            assert message in answer["error"]
        assert serve_load.ask(connection, '["abc"]')[0] == 200
        connection.putrequest("POST", "/")  # in chunks, which the service does not read
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()  # no chunk follows: the service may have closed the connection before it arrives
        response = connection.getresponse()
        assert (response.status, response.getheader("Connection")) == (400, "close")
        lengths = {"-1": b"400", "x": b"400", "": b"400", "1000000000000000": b"413", "1000001": b"413", "9": b"400"}
        for length, status in lengths.items():
            with socket.create_connection(("localhost", port)) as client:
                header = f"Content-Length: {length}\r\n" if length else ""
                client.sendall(f'POST / HTTP/1.1\r\nHost: localhost\r\n{header}\r\n["ab"]'.encode())
                client.shutdown(socket.SHUT_WR)  # the body is shorter than 9 bytes
                assert client.makefile("rb").readline().split()[1] == status, length
