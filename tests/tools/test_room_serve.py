"""The kit over HTTP: forty laptops at once, pip among them, and nothing but the kit."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from room_examples import HERE, kit

from tools.presenter import leaderboard, room_install, room_serve

LARGE = os.urandom(1 << 20) * 4
CLIENTS = 40


@pytest.fixture
def server(tmp_path: Path) -> Iterator[room_serve.RoomServer]:
    """A kit beside a secret, served on loopback."""
    (tmp_path / "secret").write_text("not for the room")
    folder = kit(tmp_path / "kit", {"slides/large": LARGE})
    (folder / "private.txt").write_text("not in the manifest")
    files = room_install.read_manifest(room_install.Folder(folder))["files"]
    with room_serve.RoomServer(("127.0.0.1", 0), folder, files) as started:
        threading.Thread(target=started.serve_forever, args=(0.02,), daemon=True).start()
        yield started
        started.shutdown()


def address(server: room_serve.RoomServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def ask(server: room_serve.RoomServer, path: str, method: str = "GET") -> tuple[int, bytes]:
    """Send a path exactly as it is; returns status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    connection.endheaders()
    with connection.getresponse() as response:
        return response.status, response.read()


def test_forty_laptops_at_once_get_the_whole_file(server: room_serve.RoomServer) -> None:
    start = threading.Barrier(CLIENTS)

    def fetch(_: int) -> tuple[int, bytes]:
        start.wait()
        return ask(server, "/slides/large")

    with ThreadPoolExecutor(CLIENTS) as clients:
        assert set(clients.map(fetch, range(CLIENTS))) == {(200, LARGE)}
    assert server.request_queue_size >= 64


def test_clients_that_say_nothing_keep_nobody_waiting(
    server: room_serve.RoomServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_serve.RoomHandler, "timeout", 0.5)
    silent = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(CLIENTS)]
    started = time.monotonic()
    assert ask(server, "/slides/large") == (200, LARGE)
    assert time.monotonic() - started < 5
    for client in silent:  # given up, not kept for ever
        client.settimeout(10)
        assert client.recv(1) == b""
        client.close()


@pytest.mark.parametrize(
    "path",
    [
        *("/../secret", "/%2e%2e/secret", "/wheels/../../secret", "//secret", "/.", "/course/"),
        *("/wheels/..%2f..%2fsecret", "/slides/../private.txt", "/private.txt", "/wheels/../"),
        *("/slides\\..\\..\\secret", "/course/notebooks/%00", "/" + "a" * 5000),
    ],
)
def test_nothing_but_the_kit_is_given_out(server: room_serve.RoomServer, path: str) -> None:
    status, body = ask(server, path)
    assert status == 404 and b"not for the room" not in body and b"manifest" not in body


def test_the_rooms_leaderboard_is_given_out_once_it_is_there(server: room_serve.RoomServer) -> None:
    assert ask(server, "/leaderboard.html")[0] == 404
    assert leaderboard.main([str(server.kit)]) == 0
    status, body = ask(server, "/leaderboard.html")
    assert status == 200 and b"Leaderboard of the sorting office" in body


def test_links_lead_nowhere(server: room_serve.RoomServer, tmp_path: Path) -> None:
    for name in ("index.html", "README.txt"):
        (server.kit / name).unlink()
        (server.kit / name).symlink_to(tmp_path / "secret")
        assert ask(server, f"/{name}")[0] == 404
    (server.kit / "slides").rename(tmp_path / "elsewhere")
    (server.kit / "slides").symlink_to(tmp_path / "elsewhere")
    assert ask(server, "/slides/large")[0] == 404


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
def test_the_room_can_only_read(server: room_serve.RoomServer, method: str) -> None:
    assert ask(server, "/README.txt", method)[0] == 501
    assert ask(server, "/README.txt") == (200, b"how to")
    assert ask(server, "/README.txt", "HEAD") == (200, b"")
    assert ask(server, "/")[1] == (server.kit / "index.html").read_bytes()


def test_a_stick_pulled_out_is_no_page(server: room_serve.RoomServer) -> None:
    server.kit.rename(server.kit.with_name("gone"))
    assert ask(server, "/slides/large")[0] == 404
    with pytest.raises(room_install.RoomError, match=r"cannot be read .* ask the person"):
        room_install.read_manifest(room_install.Address(address(server)))


def test_pip_installs_from_it(server: room_serve.RoomServer, tmp_path: Path) -> None:
    source = room_install.Address(address(server))
    command = [sys.executable, "-m", "pip", "install", "--target", str(tmp_path / "there")]
    ended = subprocess.run(
        [*command, "--no-deps", "plain"],
        env=room_install.pip_settings(source, HERE.entry["wheels"]),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "there" / "plain.py").exists()


def test_a_host_that_is_not_this_machine_is_trusted_and_asked_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org/simple")
    settings = room_install.pip_settings(
        room_install.Address("http://192.0.2.7:8000/"), "wheels/linux-3.12"
    )
    assert settings["PIP_TRUSTED_HOST"] == settings["no_proxy"] == "192.0.2.7"
    assert settings["PIP_FIND_LINKS"] == "http://192.0.2.7:8000/wheels/linux-3.12/"
    assert "PIP_INDEX_URL" not in settings and settings["PIP_NO_INDEX"] == "1"


def test_the_installer_takes_everything_from_an_address(
    server: room_serve.RoomServer, tmp_path: Path
) -> None:
    source = room_install.Address(address(server))
    files = room_install.read_manifest(source)["files"]
    room_install.copy_course(source, files, tmp_path / "course")
    assert (tmp_path / "course" / "notebooks" / "01_data.ipynb").read_bytes() == b"{}"


# --- the command ---


def test_nothing_is_served_until_an_address_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_serve, "RoomServer", None)
    assert room_serve.main(["--kit", str(kit(tmp_path))]) == 2
    words = capsys.readouterr().err
    assert "HOST=" in words and "127.0.0.1" in words and words.count("\n") == 1


def test_a_kit_that_is_not_whole_is_not_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = kit(tmp_path)
    (folder / "course/notebooks/01_data.ipynb").unlink()
    assert room_serve.main(["--kit", str(folder), "--host", "127.0.0.1"]) == 1
    assert "01_data.ipynb is missing" in capsys.readouterr().err
    assert room_serve.main(["--kit", str(tmp_path / "none"), "--host", "127.0.0.1"]) == 1
    assert "`make room-kit` builds it" in capsys.readouterr().err


def test_an_address_or_port_that_is_taken_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = kit(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        options = ["--kit", str(folder), "--host", "127.0.0.1", "--port", str(port)]
        assert room_serve.main(options) == 1
    words = capsys.readouterr().err
    assert words.count("\n") == 1 and "PORT=8001" in words
    assert room_serve.main(["--kit", str(folder), "--host", "192.0.2.1"]) == 1  # nobody's address
    assert "cannot be served" in capsys.readouterr().err


def test_the_command_says_what_to_type_and_stops(tmp_path: Path) -> None:
    folder = kit(tmp_path)
    command = [sys.executable, "-m", "tools.presenter.room_serve", "--kit", str(folder)]
    command += ["--host", "127.0.0.1", "--port", "0"]
    running = subprocess.Popen(command, cwd=room_serve.ROOT, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    lines = [running.stdout.readline() for _ in range(2)]
    typed = lines[1].strip()
    assert room_install.Address(typed).read("README.txt") == b"how to"
    running.send_signal(2)
    assert running.wait(20) == 0
