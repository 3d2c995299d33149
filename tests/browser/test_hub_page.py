"""The doctor's page on a hub: websockets get through, are refused, or vanish without a word."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from driving import SCREENSHOTS
from looking import violations
from running_lab import answering

from course_utils.health import hub_page
from tools.learner import hub


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an attendee's server, as a hub starts it, but without the hub."""
    folder = tmp_path_factory.mktemp("attendee")
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--IdentityProvider.token="]
    command += [one for one in hub.arguments(folder) if "default_url" not in one]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    environment = os.environ | {
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERHUB_SERVICE_PREFIX": "/",
    }
    process = subprocess.Popen(command, env=environment, cwd=hub.lab.ROOT)
    try:
        yield answering(process, folder / "runtime")["port"]
    finally:
        process.terminate()
        process.wait(20)


class Network:
    """A network between browser and server that does with websockets as it is told."""

    def __init__(self, port: int, websockets: str) -> None:
        self.port, self.websockets = port, websockets
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.kept: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                browser, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._connect, args=(browser,), daemon=True).start()

    def _connect(self, browser: socket.socket) -> None:
        request = browser.recv(2**16)
        if b"upgrade: websocket" in request.lower() and self.websockets != "pass":
            if self.websockets == "refuse":
                browser.close()
            self.kept.append(browser)  # swallowed: open, and silent
            return
        server = socket.create_connection(("127.0.0.1", self.port))
        server.sendall(request)
        threading.Thread(target=self._carry, args=(browser, server), daemon=True).start()
        self._carry(server, browser)

    def _carry(self, giver: socket.socket, taker: socket.socket) -> None:
        try:
            while part := giver.recv(2**16):
                taker.sendall(part)
            taker.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.mark.parametrize(
    ("websockets", "outcome"), [("pass", "open"), ("refuse", "blocked"), ("swallow", "blocked")]
)
def test_the_page_says_whether_websockets_get_through(
    websockets: str, outcome: str, server: int, browser: Any
) -> None:
    network = Network(server, websockets)
    page = browser.new_page(viewport={"width": 390, "height": 844})
    try:
        page.goto(f"{network.address}/doctor")
        shown = page.locator(f'[data-outcome="{outcome}"]')
        shown.wait_for(timeout=1000 * (hub_page.SECONDS + 20))
        assert page.locator("[data-outcome]:visible").count() == 1
        row = shown.get_by_role("row", name="Websockets").inner_text()
        assert hub_page.OUTCOMES[outcome].seen in row
        assert "a JupyterHub that leaves you" in shown.inner_text()
        assert violations(page, ["main"]) == []
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"hub-page-{websockets}.png")
    finally:
        page.close()
        network.listener.close()
