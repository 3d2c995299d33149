"""A simulated attendee of a hub: logs in, starts a server, runs a chapter, moves a widget."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from typing import Any

import aiohttp
from jupyter_server.services.kernels.connection.base import deserialize_binary_message
from yarl import URL

SECONDS = 400  # for a start, or for one cell
LARGEST = 2**28  # bytes of a message


class Refused(Exception):
    """An answer with the status of an error, and what it says."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text


class Attendee:
    """One browser of one person: cookies, a server's address, a kernel's websocket.

    Use it in ``async with``; at its end the browser is closed, and the server runs on.
    """

    def __init__(self, hub: str, name: str) -> None:
        self.hub, self.name = hub, name
        self.server = f"{hub}/user/course-{name}"
        self.api = f"{hub}/hub/api/users/course-{name}"
        self.widgets: dict[str, dict] = {}

    async def __aenter__(self) -> Attendee:
        # loopback has no domain, and cookies are kept for domains only
        jar = aiohttp.CookieJar(unsafe=True)
        limit = aiohttp.ClientTimeout(total=SECONDS)
        self.browser = aiohttp.ClientSession(cookie_jar=jar, timeout=limit)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.browser.close()

    def token(self, address: str) -> str:
        """What proves that a request comes from a page of this server."""
        cookies = self.browser.cookie_jar.filter_cookies(URL(address))
        return cookies["_xsrf"].value if "_xsrf" in cookies else ""

    async def ask(self, method: str, address: str, **given: Any) -> Any:
        """The answer's JSON, None for a page. Raises `Refused`."""
        if method == "POST" and "data" not in given:
            given.setdefault("json", {})
        headers = {"X-XSRFToken": self.token(address)}
        async with self.browser.request(method, address, headers=headers, **given) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise Refused(answer.status, f"{method} {address}: {text[-500:]}")
            return json.loads(text) if "json" in answer.content_type and text else None

    async def log_in(self) -> None:
        page = f"{self.hub}/hub/login"
        await self.ask("GET", page)
        form = {"username": self.name, "password": "", "_xsrf": self.token(page)}
        await self.ask("POST", f"{page}?next=/hub/home", data=form)

    async def start(self) -> None:
        """Ask for a server, wait until it is there, and open JupyterLab's page."""
        while True:
            try:
                await self.ask("POST", f"{self.api}/server")
                break
            except Refused as refused:
                if refused.status == 400:  # it is there, or on its way
                    break
                if refused.status != 429:  # too many are starting
                    raise
            await asyncio.sleep(2)
        limit = time.monotonic() + SECONDS
        while not (await self.ask("GET", self.api))["servers"].get("", {}).get("ready"):
            assert time.monotonic() < limit, f"{self.name}'s server does not start"
            await asyncio.sleep(0.5)
        await self.ask("GET", f"{self.server}/lab")

    async def stop(self) -> None:
        """Stop the server, as the hub's control panel does."""
        await self.ask("DELETE", f"{self.api}/server")
        while (await self.ask("GET", self.api))["servers"]:
            await asyncio.sleep(0.3)

    async def open(self, chapter: str) -> list[dict]:
        """Open a notebook with its kernel, running already or not. Returns its code cells."""
        file = await self.ask("GET", f"{self.server}/api/contents/{chapter}")
        asked = {
            "path": chapter,
            "name": chapter,
            "type": "notebook",
            "kernel": {"name": "python3"},
        }
        session = await self.ask("POST", f"{self.server}/api/sessions", json=asked)
        self.session, self.kernel = uuid.uuid4().hex, session["kernel"]["id"]
        address = f"{self.server}/api/kernels/{self.kernel}/channels?session_id={self.session}"
        self.socket = await self.browser.ws_connect(address, max_msg_size=LARGEST)
        return [cell for cell in file["content"]["cells"] if cell["cell_type"] == "code"]

    async def save(self, chapter: str, cells: list[str]) -> None:
        """Write a notebook into work/."""
        notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
        for number, source in enumerate(cells):
            cell = {"cell_type": "code", "id": f"c{number}", "source": source, "outputs": []}
            notebook["cells"].append({**cell, "metadata": {}, "execution_count": None})
        whole = {"type": "notebook", "format": "json", "content": notebook}
        await self.ask("PUT", f"{self.server}/api/contents/{chapter}", json=whole)

    async def read(self, chapter: str) -> list[str]:
        """The cells of a notebook in work/."""
        file = await self.ask("GET", f"{self.server}/api/contents/{chapter}")
        return ["".join(cell["source"]) for cell in file["content"]["cells"]]

    async def saves_widgets(self) -> bool:
        """Whether JupyterLab keeps widgets with their notebook by default."""
        plugin = "@jupyter-widgets/jupyterlab-manager:plugin"
        settings = await self.ask("GET", f"{self.server}/lab/api/settings/{plugin}")
        return settings["schema"]["properties"]["saveState"]["default"]

    async def run(self, source: str) -> tuple[str, str]:
        """Run a cell. Returns what it printed, and its error, empty if there is none."""
        request = {"code": source, "allow_stdin": False, "stop_on_error": False}
        printed, error = "", ""
        async for message in self._talk("execute_request", request):
            content = message["content"]
            if message["msg_type"] == "stream" and content["name"] == "stdout":
                printed += content["text"]
            elif message["msg_type"] == "error":
                error = f"{content['ename']}: {content['evalue']}"
        return printed, error

    async def move(self, trait: str, value: Any) -> Any:
        """Set a trait of the last widget that has it, as its front end does; ask for it again."""
        comm = [name for name, state in self.widgets.items() if trait in state][-1]
        told = {"method": "update", "state": {trait: value}}
        async for _ in self._talk("comm_msg", {"comm_id": comm, "data": told}):
            pass
        now = None
        asked = {"comm_id": comm, "data": {"method": "request_state"}}
        async for message in self._talk("comm_msg", asked):
            data = message["content"].get("data", {})
            if message["msg_type"] == "comm_msg" and data.get("method") == "update":
                now = data["state"].get(trait, now)
        return now

    async def echo(self) -> str:
        """Try websockets as the doctor's page does."""
        await self.ask("GET", f"{self.server}/doctor")
        async with self.browser.ws_connect(f"{self.server}/doctor/echo") as socket:
            await socket.send_str("hello")
            return await socket.receive_str()

    async def _talk(self, kind: str, content: dict) -> Any:
        """Send a message; yield what the kernel says about it until it is idle again."""
        number = uuid.uuid4().hex
        header = {"msg_id": number, "msg_type": kind, "session": self.session}
        header |= {"username": self.name, "version": "5.3", "date": ""}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        await self.socket.send_json({**message, "channel": "shell"})
        replied, idle = kind != "execute_request", False  # comm messages get no reply
        while not (replied and idle):
            frame = await self.socket.receive(timeout=SECONDS)
            assert frame.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), frame
            binary = frame.type == aiohttp.WSMsgType.BINARY
            message = deserialize_binary_message(frame.data) if binary else frame.json()
            if message["msg_type"] == "comm_open":
                self.widgets[message["content"]["comm_id"]] = message["content"]["data"]["state"]
            if message["parent_header"].get("msg_id") == number:
                replied = replied or message["channel"] == "shell"
                idle = idle or message["content"].get("execution_state") == "idle"
                yield message
