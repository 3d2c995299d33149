"""The doctor's page on a JupyterHub, at ``/user/NAME/doctor``: do websockets get through?

Some networks block websockets without a word. JupyterLab then opens notebooks, and no cell ever
finishes, so the doctor cannot be asked from a notebook either. This page needs plain HTTP only. Its
script opens a websocket to the attendee's own server, sends a word, and waits for the echo.

It is an extension of Jupyter's server, which loads it without torch: memory is scarce on a hub.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.websocket import WebSocketHandler

from . import machine
from .report import Finding, table

SECONDS = 10  # a websocket over a slow network takes one or two
OUTCOMES = {
    "trying": Finding("Websockets", "note", f"being tried, for {SECONDS} seconds at most"),
    "open": Finding("Websockets", "fine", "they get through, so cells can run"),
    "blocked": Finding(
        "Websockets",
        "problem",
        "something between this browser and the hub blocks them: notebooks open, but no cell will "
        "ever finish. Use another network, such as your phone's, or a VPN. If this page's address "
        "begins with http:, ask for one with https:, which fewer networks block",
    ),
}
PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Is this hub ready?</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root { color-scheme: light dark; } body { font-family: sans-serif; margin: 2em auto;
  max-width: 45em; padding: 0 1em; }</style></head>
<body><h1>Is this hub ready?</h1>
<noscript>Websockets cannot be tried: this browser runs no scripts.</noscript>
<main aria-live="polite">%(tables)s</main>
<script>
const show = (outcome) => document.querySelectorAll("[data-outcome]").forEach((one) => {
  one.hidden = one.dataset.outcome !== outcome;
});
const address = new URL("%(echo)s", location);
address.protocol = address.protocol.replace("http", "ws");
const socket = new WebSocket(address);
const end = (outcome) => {
  clearTimeout(limit);
  socket.onerror = null;
  show(outcome);
  socket.close();
};
const limit = setTimeout(end, %(seconds)d000, "blocked");
socket.onopen = () => socket.send("hello");
socket.onmessage = () => end("open");
socket.onerror = () => end("blocked");
</script></body></html>
"""


def page(echo: str) -> str:
    """The page: this machine's findings with each outcome of the trial, one of them shown.

    Parameters
    ----------
    echo : str
        The path of the websocket that answers.
    """
    findings = [*machine.share(), *machine.room()]
    tables = (
        f'<div data-outcome="{name}"{" hidden" * (name != "trying")}>'
        f"{table([*findings, outcome])}</div>"
        for name, outcome in OUTCOMES.items()
    )
    return PAGE % {"tables": "\n".join(tables), "seconds": SECONDS, "echo": echo}


class Doctor(JupyterHandler):
    """Answers with the page."""

    @web.authenticated
    def get(self) -> None:
        self.finish(page(url_path_join(self.base_url, "doctor/echo")))


class Echo(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """Sends back what it gets."""

    @ws_authenticated
    async def get(self, *arguments: Any, **options: Any) -> None:
        await super().get(*arguments, **options)

    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)


def _load_jupyter_server_extension(server: Any) -> None:
    base = server.web_app.settings["base_url"]
    routes = [(r"/doctor/?", Doctor), (r"/doctor/echo", Echo)]
    server.web_app.add_handlers(".*$", [(url_path_join(base, path), to) for path, to in routes])


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "course_utils.health.hub_page"}]
