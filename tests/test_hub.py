"""The hub as a classroom meets it: slow, refusing, replaced by a login page, serving rubbish."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torch_uncertainty.methods import deep_ensembles

from course_utils import hub
from course_utils.models import LeNet, PackedLeNet

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def checkpoint_bytes(model: torch.nn.Module, prefix: str = "model.", **more: object) -> bytes:
    """What Lightning would have written for a routine around this model."""
    buffer = io.BytesIO()
    state = {prefix + key: value for key, value in model.state_dict().items()}
    torch.save({"epoch": 75, "state_dict": {**state, **more}}, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    torch.manual_seed(0)
    return {name: checkpoint_bytes(LeNet()) for name in hub.FILE_NAMES}


class StandIn(ThreadingHTTPServer):
    """Answers like the hub, as far as hf_hub_download asks; `misbehave` may do otherwise."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(files)
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.misbehave: Callable[[Handler, str], bool] = lambda handler, name: False
        self.released = threading.Event()

    @property
    def sent(self) -> list[str]:
        return [name for method, name, _ in self.requests if method == "GET"]


class Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_HEAD(self) -> None:
        self.answer(with_content=False)

    def do_GET(self) -> None:
        self.answer(with_content=True)

    def answer(self, with_content: bool) -> None:
        name = self.path.split("?")[0].rsplit("/", 1)[-1]
        self.server.requests.append((self.command, name, dict(self.headers)))
        if self.server.misbehave(self, name):
            return
        content = self.server.files[name]
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_content:
            self.wfile.write(content)

    def refuse(self, status: int) -> bool:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    server = StandIn(files)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", "hf_this_is_nobodys_token")
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def one_sentence(error: pytest.ExceptionInfo[hub.HubError]) -> str:
    text = str(error.value)
    assert "\n" not in text and text.endswith(".") and len(text) < 300
    return text


def test_eight_files_arrive_and_make_the_ensemble(server, files, tmp_path):
    paths = hub.checkpoints(tmp_path)
    assert [path.name for path in paths] == list(hub.FILE_NAMES)
    assert {path.name: path.read_bytes() for path in paths} == files
    ensemble = deep_ensembles([LeNet() for _ in paths], ckpt_paths=paths)
    for path, member in zip(paths, ensemble.core_models, strict=True):
        weights = hub.read_checkpoint(path)
        assert all(torch.equal(weights[key], value) for key, value in member.state_dict().items())


def test_nobodys_token_is_sent_and_no_telemetry(server, tmp_path):
    hub.checkpoints(tmp_path)
    assert {name for _, name, _ in server.requests} == set(hub.FILE_NAMES)
    assert not any("authorization" in map(str.lower, headers) for *_, headers in server.requests)


def test_what_is_there_needs_no_network(server, tmp_path):
    hub.checkpoints(tmp_path)
    asked = len(server.requests)
    hub.checkpoints(tmp_path)
    assert len(server.requests) == asked


def test_limit_after_the_third_file_ends_all_tries_and_keeps_three(server, tmp_path):
    late = hub.FILE_NAMES[3:]
    server.misbehave = lambda handler, name: name in late and handler.refuse(429)
    with pytest.raises(hub.HubError) as error:
        hub.checkpoints(tmp_path)
    assert "429" in one_sentence(error)
    assert sorted(path.name for path in tmp_path.glob("*.ckpt")) == list(hub.FILE_NAMES[:3])
    assert {name for _, name, _ in server.requests} == set(hub.FILE_NAMES[:4])
    server.misbehave = lambda handler, name: False
    server.requests.clear()
    assert len(hub.checkpoints(tmp_path)) == 8
    assert set(server.sent) == set(late)


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_refusals_say_their_status(server, tmp_path, status):
    server.misbehave = lambda handler, name: handler.refuse(status)
    with pytest.raises(hub.HubError) as error:
        hub.checkpoints(tmp_path)
    assert str(status) in one_sentence(error)
    assert len(server.requests) <= 2


@pytest.mark.parametrize("from_file", [0, 2])
def test_a_hub_that_accepts_and_says_nothing(server, tmp_path, monkeypatch, from_file):
    monkeypatch.setattr(hub, "ANSWER_TIMEOUT", 1)
    monkeypatch.setattr(hub, "TOTAL_TIMEOUT", 6.0)

    def hang(handler: Handler, name: str) -> bool:
        if hub.FILE_NAMES.index(name) >= from_file:
            server.released.wait(30)
            return True
        return False

    server.misbehave = hang
    start = time.perf_counter()
    with pytest.raises(hub.HubError) as error:
        hub.checkpoints(tmp_path)
    assert time.perf_counter() - start < 9
    assert "hub did not" in one_sentence(error)
    assert len(list(tmp_path.glob("*.ckpt"))) == from_file


def test_a_transfer_that_drips_is_stopped(server, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "TOTAL_TIMEOUT", 4.0)

    def drip(handler: Handler, name: str) -> bool:
        if handler.command == "HEAD":
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(server.files[name])))
        handler.end_headers()
        try:
            while not server.released.wait(0.2):
                handler.wfile.write(b"x")
                handler.wfile.flush()
        except OSError:
            pass
        return True

    server.misbehave = drip
    with pytest.raises(hub.HubError) as error:
        hub.checkpoints(tmp_path)
    assert "4 s" in one_sentence(error)
    assert not list(tmp_path.glob("*.ckpt"))


def test_a_login_page_in_place_of_the_hub(server, tmp_path):
    def login(handler: Handler, name: str) -> bool:
        page = b"<html><body>Welcome to the conference wifi</body></html>"
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.send_header("Content-Length", str(len(page)))
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(page)
        return True

    server.misbehave = login
    with pytest.raises(hub.HubError) as error:
        hub.checkpoints(tmp_path)
    assert "in place of" in one_sentence(error)
    assert not list(tmp_path.glob("*.ckpt"))


def test_nobody_listens(tmp_path, monkeypatch):
    unused = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port = unused.server_address[1]
    unused.server_close()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    start = time.perf_counter()
    with pytest.raises(hub.HubError) as error:
        hub.checkpoints(tmp_path)
    assert "cannot be reached" in one_sentence(error)
    assert time.perf_counter() - start < 10


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(hub.HubError) as error:
        hub.checkpoints(tmp_path / "file" / "below")
    assert "COURSE_DATA_DIR" in one_sentence(error)


class Evil:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_is_refused_and_not_run(server, tmp_path):
    trace = tmp_path / "it ran"
    buffer = io.BytesIO()
    torch.save({"state_dict": Evil(trace)}, buffer)
    server.files[hub.FILE_NAMES[5]] = buffer.getvalue()
    with pytest.raises(hub.HubError) as error:
        hub.checkpoints(tmp_path)
    assert "more than weights" in one_sentence(error)
    assert not trace.exists()
    torch.load(tmp_path / hub.FILE_NAMES[5], weights_only=False)
    assert trace.exists(), "the file was harmless, so the test proves nothing"


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged"),
        (b"<html>404</html>", "damaged"),
        (checkpoint_bytes(LeNet())[:-2000], "damaged"),
        (saved({"state_dict": 1}), "does not hold"),
        (checkpoint_bytes(PackedLeNet()), "does not hold"),
        (checkpoint_bytes(LeNet(num_classes=7)), "does not hold"),
        (checkpoint_bytes(LeNet(), prefix=""), "does not hold"),
        (checkpoint_bytes(torch.nn.Sequential(LeNet())), "does not hold"),
    ],
    ids=["empty", "page", "truncated", "number", "packed", "classes", "prefix", "nested"],
)
def test_wrong_files_are_told_in_one_sentence(tmp_path, content, words):
    path = tmp_path / "version_0.ckpt"
    path.write_bytes(content)
    with pytest.raises(hub.HubError) as error:
        hub.read_checkpoint(path)
    text = one_sentence(error)
    assert words in text and str(path) in text


def test_weights_that_are_not_numbers(tmp_path):
    model = LeNet()
    torch.nn.init.constant_(model.fc3.bias, float("nan"))
    path = tmp_path / "version_0.ckpt"
    path.write_bytes(checkpoint_bytes(model))
    with pytest.raises(hub.HubError, match="not finite"):
        hub.read_checkpoint(path)


def test_what_else_a_routine_saves_is_left_aside(tmp_path):
    model = LeNet()
    path = tmp_path / "version_0.ckpt"
    path.write_bytes(checkpoint_bytes(model, **{"loss.weight": torch.ones(10)}))
    assert hub.read_checkpoint(path).keys() == model.state_dict().keys()


def test_a_missing_file(tmp_path):
    with pytest.raises(hub.HubError, match="no checkpoint"):
        hub.read_checkpoint(tmp_path / "version_0.ckpt")
