"""`tools/learner/install.py` with interpreters that only pretend, so that nothing is really installed."""

from __future__ import annotations

import ast
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.learner import install

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pretended interpreters are scripts")

# Answers as `python -c`, `python -m venv` and `python -m pip` do, and writes down every call.
PRETENDED = """#!/bin/sh
echo "$@" >> "{log}"
case "$1 $2" in
  "-c "*ensurepip*) [ -e "{log}.broken" ] && exit 1; echo "{major} {minor} {able}" ;;
  "-c "*) exit 1 ;;
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip") [ -z "$PRETENDED_PIP" ] || {{ echo "$PRETENDED_PIP" >&2; exit 1; }} ;;
esac
"""


class Pretended:
    """An interpreter that is a shell script, and the calls it received."""

    def __init__(
        self, folder: Path, name: str, version: tuple[int, int], *, able: bool = True
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / name
        self.log = folder / f"{name}.log"
        self.log.touch()
        major, minor = version
        text = PRETENDED.format(log=self.log, major=major, minor=minor, able=int(able))
        self.path.write_text(text)
        self.path.chmod(0o755)

    def calls(self, start: str) -> list[str]:
        """The calls whose arguments start so."""
        return [line for line in self.log.read_text().splitlines() if line.startswith(start)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A working tree with nothing but a pyproject.toml."""
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\n")
    return folder


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretended:
    """A supported interpreter that runs install.py; PyTorch's index is out of reach."""
    pretended = Pretended(tmp_path / "bin", "python3", (3, 12))
    monkeypatch.setattr(install.sys, "executable", str(pretended.path))
    monkeypatch.setattr(install, "answers", lambda url, seconds: False)
    return pretended


def test_script_can_be_read_by_python_3_8() -> None:
    source = Path(install.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 8))
    with pytest.raises(SyntaxError):
        ast.parse("match 1:\n case _: pass", feature_version=(3, 8))


def test_python_3_9_gets_one_sentence_with_the_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Pretended(tmp_path / "bin", "python3", (3, 9))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(install.InstallError) as error:
        install.choose_python(str(old.path))
    assert "needs Python 3.10 to 3.13" in str(error.value)
    assert "is Python 3.9" in str(error.value)


def test_unsupported_python_leaves_nothing_behind(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = Pretended(tmp_path / "bin", "python3", (3, 9))
    monkeypatch.setattr(install.sys, "executable", str(old.path))
    monkeypatch.setenv("PATH", "/nowhere")
    assert install.main(["lab"], root) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not (root / ".venv").exists()


def test_python_3_9_hands_over_to_a_supported_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Pretended(tmp_path / "bin", "python3", (3, 9))
    Pretended(tmp_path / "bin", "python3.10", (3, 10))
    newest = Pretended(tmp_path / "bin", "python3.12", (3, 12))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(install, "NEWEST", (3, 12))  # this machine may have a real 3.13
    assert install.choose_python(str(old.path)) == str(newest.path)


def test_first_python_is_preferred(tmp_path: Path) -> None:
    first = Pretended(tmp_path / "bin", "python3", (3, 10))
    assert install.choose_python(str(first.path)) == str(first.path)


def test_missing_venv_module_names_the_package_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Pretended(tmp_path / "bin", "python3", (3, 13), able=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(install.InstallError, match="apt install python3-venv"):
        install.choose_python(str(bare.path))


def test_second_call_runs_no_pip(root: Path, python: Pretended) -> None:
    assert install.main(["lab"], root) == 0
    assert install.main(["lab"], root) == 0
    assert len(python.calls("-m venv")) == 1
    assert len(python.calls("-m pip")) == 1
    assert json.loads((root / ".venv/course.json").read_text())["extras"] == ["lab"]


def test_more_extras_are_added_to_those_installed(root: Path, python: Pretended) -> None:
    assert install.main(["lab"], root) == 0
    assert install.main(["dev"], root) == 0
    assert python.calls("-m pip")[-1].endswith("--editable .[dev,lab]")
    assert install.main(["lab"], root) == 0
    assert len(python.calls("-m pip")) == 2


def test_changed_dependencies_are_installed(root: Path, python: Pretended) -> None:
    install.main(["lab"], root)
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert install.main(["lab"], root) == 0
    assert len(python.calls("-m pip")) == 2
    assert len(python.calls("-m venv")) == 1


def test_interrupted_installation_starts_afresh(
    root: Path, python: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(command: list[str], folder: Path) -> None:
        (root / ".venv/half a package").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(install, "run_pip", interrupted)
        assert install.main(["lab"], root) == 130
    assert install.main(["lab"], root) == 0
    assert not (root / ".venv/half a package").exists()
    assert len(python.calls("-m venv")) == 2


def test_interrupted_upgrade_is_not_taken_for_complete(
    root: Path, python: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(command: list[str], folder: Path) -> None:
        raise KeyboardInterrupt

    install.main(["lab"], root)
    with monkeypatch.context() as patch:
        patch.setattr(install, "run_pip", interrupted)
        assert install.main(["dev"], root) == 130
    assert install.main(["lab"], root) == 0
    assert len(python.calls("-m venv")) == 2


def test_environment_whose_python_is_gone_is_made_again(root: Path, python: Pretended) -> None:
    install.main(["lab"], root)
    (root / ".venv/bin/python").unlink()
    assert install.main(["lab"], root) == 0
    assert len(python.calls("-m venv")) == 2


def test_moved_tree_gets_a_new_environment(root: Path, python: Pretended) -> None:
    install.main(["lab"], root)
    moved = root.rename(root.with_name("moved"))
    assert install.main(["lab"], moved) == 0
    assert len(python.calls("-m venv")) == 2


def test_environment_made_by_hand_is_kept(root: Path, python: Pretended) -> None:
    subprocess.run([str(python.path), "-m", "venv", str(root / ".venv")], check=True)
    (root / ".venv/mine").touch()
    assert install.main(["lab"], root) == 0
    assert (root / ".venv/mine").exists()


def test_a_folder_of_somebody_else_is_never_deleted(root: Path, python: Pretended, capsys) -> None:
    theirs = root / ".venv" / "mine.txt"
    theirs.parent.mkdir()
    theirs.write_text("kept")
    assert install.main(["lab"], root) == 1
    assert "move it away" in capsys.readouterr().err
    assert theirs.read_text() == "kept"


def test_no_network_is_one_sentence_and_keeps_what_was_installed(
    root: Path,
    python: Pretended,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    install.main(["lab"], root)
    monkeypatch.setenv("PRETENDED_PIP", "WARNING: Retrying after connection broken by 'x'")
    assert install.main(["dev"], root) == 1
    assert "The Python package index does not answer" in capfd.readouterr().err
    assert install.main(["lab"], root) == 0
    assert len(python.calls("-m venv")) == 1


def test_other_failure_of_pip_tells_its_reason(
    root: Path,
    python: Pretended,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PRETENDED_PIP", "ERROR: the disk sleeps")
    assert install.main(["lab"], root) == 1
    last = capfd.readouterr().err.splitlines()[-1]
    assert last == "pip could not install the course (ERROR: the disk sleeps)."


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: [Errno 28] No space left on device", "There is no space left on the disk: make"),
        ("ERROR: no version of torch (from versions: none)", "log-in, open any page in a browser"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "gives something else than packages"),
    ],
)
def test_what_pip_says_of_disk_and_proxy_becomes_what_to_do(
    root: Path,
    python: Pretended,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    said: str,
    sentence: str,
) -> None:
    monkeypatch.setenv("PRETENDED_PIP", said)
    assert install.main(["lab"], root) == 1
    assert sentence in capfd.readouterr().err.splitlines()[-1]


def test_a_folder_of_packages_is_named_and_no_index_is_asked(
    root: Path,
    python: Pretended,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "http://192.0.2.1:8000/wheels/")
    monkeypatch.setenv("PRETENDED_PIP", "WARNING: connection broken by 'x'")
    assert install.main(["lab"], root) == 1
    words = capfd.readouterr()
    assert words.err.splitlines()[-1].startswith("http://192.0.2.1:8000/wheels/ does not answer")
    assert "3 GB" not in words.out


def test_large_download_is_announced_or_avoided(
    root: Path,
    python: Pretended,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(install.sys, "platform", "linux")
    monkeypatch.setattr(install, "has_nvidia_gpu", lambda: False)
    assert install.torch_options(python.path) == []
    assert "3 GB" in capfd.readouterr().out
    monkeypatch.setattr(install, "answers", lambda url, seconds: True)
    assert install.torch_options(python.path) == ["--extra-index-url", install.PYTORCH_CPU_INDEX]
    monkeypatch.setattr(install, "has_nvidia_gpu", lambda: True)
    assert install.torch_options(python.path) == []
    assert capfd.readouterr().out == ""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_probe_gives_up_on_a_silent_server(silent_port: int) -> None:
    started = time.monotonic()
    assert not install.answers(f"http://127.0.0.1:{silent_port}/", 0.3)
    assert time.monotonic() - started < 1.0


def test_probe_sees_a_server_that_answers_and_one_that_is_not_there() -> None:
    handler = http.server.SimpleHTTPRequestHandler
    handler.log_message = lambda *arguments: None  # type: ignore[method-assign]
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert install.answers(f"http://127.0.0.1:{server.server_port}/", 3.0)
        port = server.server_port
        server.shutdown()
    assert not install.answers(f"http://127.0.0.1:{port}/", 3.0)


@pytest.mark.slow
def test_real_pip_ends_when_the_index_never_answers(root: Path, silent_port: int) -> None:
    (root / "tools").mkdir()
    script = root / "tools" / "install.py"
    script.write_text(Path(install.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    settings = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"http://127.0.0.1:{silent_port}/simple",
        "PIP_DEFAULT_TIMEOUT": "1",
    }
    ended = subprocess.run(
        [sys.executable, str(script)],
        env=kept | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 1
    assert "The Python package index does not answer" in ended.stderr.splitlines()[-1]
