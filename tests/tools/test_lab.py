"""`tools/learner/lab.py`: what an attendee wrote is never lost, and the repository stays clean."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from course_utils.exercises import progress_file
from tools.learner import lab

ROOT = Path(lab.__file__).resolve().parents[2]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with two notebooks, and the place for the attendee's copies."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / "01_data.ipynb").write_text("data, first")
    (notebooks / "02_lenet.ipynb").write_text("lenet, first")
    return notebooks, tmp_path / "work"


def contents(work: Path) -> dict[str, str]:
    """What an attendee sees."""
    return {path.name: path.read_text() for path in work.glob("*.ipynb")}


def test_appendices_keep_their_folder(folders: tuple[Path, Path]) -> None:
    notebooks, work = folders
    (notebooks / "appendix").mkdir()
    (notebooks / "appendix" / "more.ipynb").write_text("more, first")
    assert lab.fill(notebooks, work) == []
    (work / "appendix" / "more.ipynb").write_text("my notes")
    (notebooks / "appendix" / "more.ipynb").write_text("more, second")
    assert lab.fill(notebooks, work) == ["appendix/more (new).ipynb"]
    assert contents(work / "appendix") == {
        "more.ipynb": "my notes",
        "more (new).ipynb": "more, second",
    }


def test_progress_is_kept_where_copies_were_handed_out() -> None:
    assert progress_file.HANDED_OUT == lab.LEDGER


def test_first_call_fills(folders: tuple[Path, Path]) -> None:
    assert lab.fill(*folders) == []
    assert contents(folders[1]) == {
        "01_data.ipynb": "data, first",
        "02_lenet.ipynb": "lenet, first",
    }


def test_untouched_copies_follow_the_course(folders: tuple[Path, Path]) -> None:
    notebooks, work = folders
    lab.fill(notebooks, work)
    (notebooks / "01_data.ipynb").write_text("data, second")
    assert lab.fill(notebooks, work) == []
    assert contents(work)["01_data.ipynb"] == "data, second"


def test_changed_copy_is_kept_and_the_newer_version_put_beside(
    folders: tuple[Path, Path],
) -> None:
    notebooks, work = folders
    lab.fill(notebooks, work)
    (work / "01_data.ipynb").write_text("my notes")
    assert lab.fill(notebooks, work) == []
    (notebooks / "01_data.ipynb").write_text("data, second")
    assert lab.fill(notebooks, work) == ["01_data (new).ipynb"]
    assert lab.fill(notebooks, work) == []
    assert contents(work)["01_data.ipynb"] == "my notes"
    assert contents(work)["01_data (new).ipynb"] == "data, second"
    # The one beside may be written into as well.
    (work / "01_data (new).ipynb").write_text("more notes")
    (notebooks / "01_data.ipynb").write_text("data, third")
    assert lab.fill(notebooks, work) == ["01_data (new 2).ipynb"]
    assert contents(work) == {
        "01_data.ipynb": "my notes",
        "01_data (new).ipynb": "more notes",
        "01_data (new 2).ipynb": "data, third",
        "02_lenet.ipynb": "lenet, first",
    }


def test_newer_version_beside_is_replaced_while_untouched(folders: tuple[Path, Path]) -> None:
    notebooks, work = folders
    lab.fill(notebooks, work)
    (work / "01_data.ipynb").write_text("my notes")
    for version in ("data, second", "data, third"):
        (notebooks / "01_data.ipynb").write_text(version)
        assert lab.fill(notebooks, work) == ["01_data (new).ipynb"]
    assert contents(work)["01_data (new).ipynb"] == "data, third"


@pytest.mark.parametrize("ledger", [None, "", "[]", "not json"])
def test_without_a_readable_ledger_everything_counts_as_changed(
    folders: tuple[Path, Path], ledger: str | None
) -> None:
    notebooks, work = folders
    lab.fill(notebooks, work)
    if ledger is None:
        (work / lab.LEDGER).unlink()
    else:
        (work / lab.LEDGER).write_text(ledger)
    (notebooks / "01_data.ipynb").write_text("data, second")
    assert lab.fill(notebooks, work) == ["01_data (new).ipynb"]
    assert contents(work)["01_data.ipynb"] == "data, first"


def test_deleted_copy_comes_back(folders: tuple[Path, Path]) -> None:
    lab.fill(*folders)
    (folders[1] / "01_data.ipynb").unlink()
    lab.fill(*folders)
    assert contents(folders[1])["01_data.ipynb"] == "data, first"


def test_arguments_suit_root_and_machines_without_a_display(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(lab.os, "geteuid", lambda: 0, raising=False)
    assert {"--allow-root", "--no-browser"} <= set(lab.lab_arguments(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(lab.os, "geteuid", lambda: 1000, raising=False)
    assert not {"--allow-root", "--no-browser"} & set(lab.lab_arguments(tmp_path))


def test_the_welcome_notebook_is_what_opens(folders: tuple[Path, Path]) -> None:
    notebooks, work = folders
    assert not any("default_url" in one for one in lab.lab_arguments(work))
    (notebooks / "welcome.ipynb").write_text("hello")
    lab.fill(notebooks, work)
    assert "--LabApp.default_url=/lab/tree/welcome.ipynb" in lab.lab_arguments(work)


def git(repository: Path, *arguments: str) -> str:
    """Run git, return what it says."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    command = ["git", "-C", str(repository), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one chapter and the rules of the real one."""
    folder = tmp_path / "course"
    (folder / "notebooks/src").mkdir(parents=True)
    shutil.copytree(ROOT / "tools" / "learner", folder / "tools" / "learner")
    for name in (".gitignore", "jupytext.toml"):
        shutil.copy(ROOT / name, folder)
    cells = [nbformat.v4.new_markdown_cell("# Digits"), nbformat.v4.new_code_cell("1 + 1")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "notebooks/01_data.ipynb")
    (folder / "notebooks/src/01_data.py").write_text("# %% [markdown]\n# # Digits\n\n# %%\n1 + 1\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "The course")
    return folder


def ask(url: str, token: str, content: dict | None = None) -> dict:
    """Talk to the Jupyter server as the browser does: GET, or PUT with a content."""
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, data=body, method="GET" if body is None else "PUT")
    request.add_header("Authorization", f"token {token}")
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def wait_for(url: str, token: str, server: subprocess.Popen, seconds: float = 40) -> None:
    """Return once the server answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            ask(f"{url}/api", token)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start (exit status {server.poll()}).")


def test_saving_in_jupyterlab_touches_the_copy_only(repository: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = "only-for-this-test"
    server = subprocess.Popen(
        [sys.executable, "-m", "tools.learner.lab", f"--port={port}", "--ServerApp.port_retries=0"],
        cwd=repository,
        env=os.environ | {"JUPYTER_TOKEN": token, "DISPLAY": "", "WAYLAND_DISPLAY": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, token, server)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            ask(f"{url}/api/contents/01_data.ipynb", "a wrong token")
        model = ask(f"{url}/api/contents/01_data.ipynb", token)
        model["content"]["cells"][1]["source"] = "6 * 7"
        saved = {key: model[key] for key in ("type", "format", "content")}
        ask(f"{url}/api/contents/01_data.ipynb", token, saved)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)
    assert "6 * 7" in (repository / "work/01_data.ipynb").read_text()
    assert git(repository, "status", "--porcelain") == ""
    assert [path.name for path in (repository / "work").glob("*.py")] == []
