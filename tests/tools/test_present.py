"""Presenting leaves nothing behind in the settings of JupyterLab."""

from __future__ import annotations

from pathlib import Path

import pytest
from jupyterlab.commands import get_user_settings_dir
from jupyterlab.labapp import LabApp

from tools.learner import lab
from tools.presenter import present


def settings_folder(arguments: list[str]) -> Path:
    """Where JupyterLab, called like this, keeps what its user sets."""
    app = LabApp()
    app.parse_command_line(arguments)
    return Path(app.user_settings_dir)


def test_a_deck_left_open_is_over_in_the_next_session_and_never_reaches_the_chapters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []
    monkeypatch.setattr(present, "WORK", tmp_path)
    monkeypatch.setattr(present, "open_lab", lambda *given: called.append(given) or 0)
    monkeypatch.setenv("COURSE_SPEED", "look")
    folder = tmp_path / ".jupyterlab"
    left = folder / "jupyterlab-slideshow" / "plugin.jupyterlab-settings"
    chosen = folder / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    for path in (left, chosen):
        path.parent.mkdir(parents=True)
        path.write_text('{"active": true}')

    assert present.main(["--port=9999"]) == 0
    ((source, work, extra),) = called
    assert (source, work, extra[-1]) == (present.ROOT / "slides", tmp_path, "--port=9999")
    assert settings_folder(extra) == folder
    assert not left.exists() and chosen.exists()  # the presenter's own choices stay
    assert settings_folder(lab.lab_arguments(tmp_path)) == Path(get_user_settings_dir()) != folder
