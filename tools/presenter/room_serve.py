"""Serve a kit to the room over HTTP, to be read only: `make room-serve HOST=192.168.1.5`.

Only files that the kit's manifest lists are sent, to GET and HEAD. HOST is the address of this
machine in the room's network; without it the addresses of this machine are listed and nothing is
served, so that nothing is open to a network by accident.
"""

from __future__ import annotations

import argparse
import html
import ipaddress
import os
import posixpath
import re
import socket
import sys
import urllib.parse
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import psutil  # comes with ipykernel

from tools.presenter import room_install

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30  # without progress, after which a client is given up


class RoomServer(ThreadingHTTPServer):
    """Sends the files of a kit; each client has a thread, and a slow one keeps nobody waiting."""

    request_queue_size = 128  # a whole room starts at the same word
    daemon_threads = True

    def __init__(self, address: tuple[str, int], kit: Path, files: dict[str, list]) -> None:
        self.kit = kit.resolve()
        # the last one is there after `make leaderboard` with the kit as its folder
        self.files = {*files, room_install.MANIFEST, "leaderboard.html"}
        super().__init__(address, RoomHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent when a client goes away: it will ask again."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class RoomHandler(SimpleHTTPRequestHandler):
    """Answers GET and HEAD for what the manifest lists."""

    server: RoomServer
    timeout = SECONDS
    server_version = "course"

    def send_head(self) -> BytesIO | BinaryIO | None:
        """Send the headers, and return what follows them, or None after an error."""
        name = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).lstrip("/")
        if re.fullmatch(r"wheels/[^/]+/", name):
            return self.send_list(name)
        name = name or "index.html"
        path = self.server.kit / name
        # A name on the list cannot lead elsewhere; a link that has been put in its place could.
        if name not in self.server.files or path.resolve() != path:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        try:
            file = path.open("rb")
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND, "The stick is not there")
            return None
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(name))
        self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        return file

    def send_list(self, folder: str) -> BytesIO | None:
        """Send links to the packages in a folder, which is what pip reads."""
        names = [posixpath.basename(n) for n in sorted(self.server.files) if n.startswith(folder)]
        if not names:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        links = (f'<a href="{urllib.parse.quote(n)}">{html.escape(n)}</a><br>' for n in names)
        page = f"<!DOCTYPE html><title>{folder}</title>\n" + "\n".join(links)
        content = page.encode("utf-8")
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return BytesIO(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: forty laptops fetch hundreds of files each."""


def own_addresses() -> list[str]:
    """The IPv4 addresses of this machine, those that others can reach first."""
    found = {
        one.address
        for interface in psutil.net_if_addrs().values()
        for one in interface
        if one.family == socket.AF_INET
    }
    return sorted(found, key=lambda text: (ipaddress.ip_address(text).is_loopback, text))


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve until Ctrl-C. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kit", type=Path, default=ROOT / "build" / "room-kit")
    parser.add_argument("--host", default="", help="this machine's address in the room's network")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(arguments)
    kit = options.kit.expanduser().resolve()
    if not options.host:
        print(
            "Say at which address the room reaches this machine, as in `make room-serve "
            f"HOST={own_addresses()[0]}`. It has: {', '.join(own_addresses())}.",
            file=sys.stderr,
        )
        return 2
    try:
        source = room_install.Folder(kit)
        files = room_install.read_manifest(source)["files"]
        room_install.require_complete(source, files)
        server = RoomServer((options.host, options.port), kit, files)
    except room_install.RoomError as error:
        print(f"{error} `make room-kit` builds it.", file=sys.stderr)
        return 1
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        print(
            f"{options.host}:{options.port} cannot be served ({why}): this "
            f"machine has {', '.join(own_addresses())}; another port is PORT=8001.",
            file=sys.stderr,
        )
        return 1
    print(f"Serving {kit}. Type on every laptop, in a browser:")
    print(f"  http://{options.host}:{server.server_port}/")
    print("Stop with Ctrl-C.", flush=True)
    try:
        with server:
            server.serve_forever()
    except KeyboardInterrupt:
        print("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
