"""`hub/` and the server's start: limits that hold a chapter, one command, values for the chart."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from tools.learner import hub

ROOT = Path(__file__).resolve().parents[2]
HUB = ROOT / "hub"
VALUES = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))
# What the chart calls these keys, and what it wants there.
KINDS = {
    "hub.config": dict,
    "hub.concurrentSpawnLimit": int,
    "singleuser.image.name": str,
    "singleuser.image.tag": str,
    "singleuser.cmd": list,
    "singleuser.startTimeout": int,
    "singleuser.memory.limit": str,
    "singleuser.memory.guarantee": str,
    "singleuser.cpu.limit": (int, float),
    "singleuser.cpu.guarantee": (int, float),
    "singleuser.storage.capacity": str,
    "singleuser.extraEnv": dict,
    "scheduling.userScheduler.enabled": bool,
    "scheduling.podPriority.enabled": bool,
    "scheduling.userPlaceholder.enabled": bool,
    "scheduling.userPlaceholder.replicas": int,
    "prePuller.hook.enabled": bool,
    "prePuller.continuous.enabled": bool,
    "cull.enabled": bool,
    "cull.timeout": int,
    "cull.every": int,
}


@pytest.fixture(scope="module")
def config() -> Config:
    return PyFileConfigLoader(str(HUB / "jupyterhub_config.py")).load_config()


def megabytes(size: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([MG])", size).groups()
    return float(number) * {"M": 1, "G": 1000}[unit]


# --- one machine --------------------------------------------------------------------------------


def test_limits_leave_room_for_the_largest_chapter(config: Config) -> None:
    rows = json.loads((ROOT / "benchmarks/memory.json").read_text())["rows"]
    largest = max(row["peak"] for row in rows)
    server = 150  # MB, JupyterLab's own
    assert megabytes(config.Spawner.mem_limit) >= largest + server
    assert megabytes(VALUES["singleuser"]["memory"]["limit"]) >= largest + server
    assert megabytes(VALUES["singleuser"]["memory"]["guarantee"]) >= largest


def test_a_room_that_logs_in_at_once_does_not_time_out(config: Config) -> None:
    assert config.Spawner.start_timeout >= 300 and config.Spawner.http_timeout >= 120
    assert VALUES["singleuser"]["startTimeout"] >= 300
    assert VALUES["hub"]["config"]["KubeSpawner"]["http_timeout"] >= 120


def test_nobody_gets_a_program_s_folder_or_the_teacher_s_name(config: Config) -> None:
    def name(typed: str) -> str:
        return config.Authenticator.post_auth_hook(None, None, {"name": typed})["name"]

    assert name("apt") == "course-apt"
    assert name("course-teacher") != name("teacher")
    pattern = re.compile(config.Authenticator.username_pattern)
    assert pattern.fullmatch("ada-2")
    assert not any(map(pattern.fullmatch, ("", "../etc", "a b", "-x", "{USERID}", "a" * 40)))


def test_the_hub_knows_every_setting(config: Config) -> None:
    pytest.importorskip("jupyterhub", reason="needs the hub's own packages: make hub-test")
    from jupyterhub import app, auth, proxy, spawner
    from jupyterhub.authenticators import shared

    systemd = pytest.importorskip("systemdspawner")
    owners = {
        "JupyterHub": app.JupyterHub,
        "Authenticator": auth.Authenticator,
        "SharedPasswordAuthenticator": shared.SharedPasswordAuthenticator,
        "Spawner": spawner.Spawner,
        "SystemdSpawner": systemd.SystemdSpawner,
        "ConfigurableHTTPProxy": proxy.ConfigurableHTTPProxy,
    }
    for section, settings in config.items():
        unknown = set(settings) - set(owners[section].class_traits(config=True))
        assert unknown == set(), section


def test_the_proxy_is_locked_and_names_no_registry() -> None:
    lock = json.loads((HUB / "package-lock.json").read_text())["packages"]
    wanted = json.loads((HUB / "package.json").read_text())["dependencies"]
    version = lock["node_modules/configurable-http-proxy"]["version"]
    assert wanted == {"configurable-http-proxy": f"~{version.rpartition('.')[0]}.0"}
    assert all("resolved" not in package for package in lock.values())
    assert all("integrity" in package for name, package in lock.items() if name)


def test_a_server_starts_with_the_attendee_s_copies_and_the_course_s_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, command: started.append(command))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    for variable in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH", "JUPYTER_PREFER_ENV_PATH"):
        monkeypatch.setenv(variable, "")
    monkeypatch.delenv("COURSE_RUNS_DIR", raising=False)
    hub.main(["--port=1"])
    mine = tmp_path / "work" / "02_lenet.ipynb"
    mine.write_text("mine")
    (tmp_path / "work" / ".handed_out.json").write_text("{}")
    hub.main([])
    assert mine.read_text() == "mine" and "02_lenet (new).ipynb" in capsys.readouterr().out
    command = started[0]
    assert command[:3] == [sys.executable, "-m", "jupyterhub.singleuser"]
    assert command[-1] == "--port=1" and f"--ServerApp.root_dir={tmp_path / 'work'}" in command
    assert Path.cwd() == tmp_path / "work"
    assert os.environ["COURSE_RUNS_DIR"] == str(tmp_path / "runs")
    settings = Path(os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0])
    overrides = json.loads((settings / "labconfig/default_setting_overrides.json").read_text())
    assert overrides["@jupyter-widgets/jupyterlab-manager:plugin"] == {"saveState": True}


# --- Kubernetes ---------------------------------------------------------------------------------


def leaves(values: dict, before: str = "") -> dict[str, Any]:
    """Dotted names of all values, those of `KINDS` as they are."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{before}{key}"
        deeper = isinstance(value, dict) and name not in KINDS
        found.update(leaves(value, f"{name}.") if deeper else {name: value})
    return found


def merged(defaults: Any, values: Any) -> Any:
    """Values over a chart's defaults, as helm lays them."""
    if not (isinstance(defaults, dict) and isinstance(values, dict)):
        return values
    return defaults | {key: merged(defaults.get(key), value) for key, value in values.items()}


def check_against(chart: Path, values: dict) -> None:
    defaults = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(merged(defaults, values), schema)


def test_values_have_the_chart_s_names_and_kinds() -> None:
    found = leaves(VALUES)
    assert found.keys() == KINDS.keys()
    wrong = {
        name: value
        for name, value in found.items()
        if not isinstance(value, KINDS[name])
        or (isinstance(value, bool) and KINDS[name] is not bool)
    }
    assert wrong == {}
    assert all(isinstance(value, str) for value in VALUES["singleuser"]["extraEnv"].values())


def test_values_fit_the_chart() -> None:
    chart = os.environ.get("COURSE_HUB_CHART")
    if not chart:
        pytest.skip("COURSE_HUB_CHART names no folder with Zero to JupyterHub's chart (helm pull)")
    check_against(Path(chart), VALUES)


def test_a_chart_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("cull: {enabled: true, timeout: 3600}\nrbac: {}\n")
    cull = {"additionalProperties": False, "properties": {"enabled": {}, "timeout": {}}}
    schema = {"required": ["rbac"], "properties": {"cull": cull}}
    (tmp_path / "values.schema.json").write_text(json.dumps(schema))
    check_against(tmp_path, {"cull": {"timeout": 60}})
    with pytest.raises(jsonschema.ValidationError, match="'time' was unexpected"):
        check_against(tmp_path, {"cull": {"time": 60}})


def test_one_command_starts_a_server_everywhere(config: Config) -> None:
    recipe = (HUB / "Dockerfile").read_text(encoding="utf-8")
    command = VALUES["singleuser"]["cmd"]
    assert config.Spawner.cmd == [sys.executable, *command[1:]]
    assert json.loads(re.search(r"^CMD (.*)$", recipe, re.MULTILINE)[1]) == command
    assert (ROOT / f"{command[-1].replace('.', '/')}.py").is_file()


def test_the_image_is_built_from_the_course_s_ranges() -> None:
    recipe = (HUB / "Dockerfile").read_text(encoding="utf-8")
    named = re.findall(r"--(?:file|requirement) (\S+)", recipe.partition("FROM")[2])
    assert named == ["environment.yml", "hub/requirements.txt"]
    assert all((ROOT / name).is_file() for name in named)
    left_out = (HUB / "Dockerfile.dockerignore").read_text().split()
    assert {".git", ".venv", "build", "work", "runs", "**/node_modules"} <= set(left_out)
