"""What a lesson sees of a download that works, fails, or never ends, with a server on loopback."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from course_utils._support.patience import within


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/weights" else 404)
        self.end_headers()
        self.wfile.write(b"weights")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture
def silent() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:  # takes the call and says nothing
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def read(url: str) -> bytes:
    with urllib.request.urlopen(url) as response:
        return response.read()


def test_what_arrives_is_returned_and_nothing_is_said(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert within(30, partial(read, f"{server}/weights"), "The weights") == b"weights"
    assert capsys.readouterr().out == ""


def test_an_error_becomes_one_sentence(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert within(30, partial(read, f"{server}/nothing"), "The weights") is None
    said = capsys.readouterr().out
    assert said.startswith("The weights did not arrive (HTTPError: HTTP Error 404")
    assert said.count("\n") == 1


def test_an_error_of_many_lines_is_cut_to_its_first(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise ValueError("no\nway")

    assert within(30, fails, "The weights") is None
    assert "(ValueError: no)" in capsys.readouterr().out


def test_a_silent_server_costs_no_more_than_the_limit(
    silent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start = time.monotonic()
    assert within(0.3, partial(read, silent), "The weights") is None
    assert time.monotonic() - start < 5
    assert capsys.readouterr().out.startswith("The weights did not arrive within 0.3 s")
