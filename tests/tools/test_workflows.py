"""What GitHub runs: valid files, least rights, pinned actions, and nothing that make cannot do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.author import require_gpu, widgets7
from tools.learner import install

ROOT = Path(__file__).resolve().parents[2]
FILES = {path.stem: path for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
WORKFLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = {
    f"{name}, {job}": body
    for name, workflow in WORKFLOWS.items()
    for job, body in workflow["jobs"].items()
}
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
every = pytest.mark.parametrize("name", FILES)
every_job = pytest.mark.parametrize("name", JOBS)


def triggers(name: str) -> set[str]:
    """What starts a workflow. YAML reads a bare `on` as true."""
    return set(WORKFLOWS[name][True])


def commands(job: dict) -> list[str]:
    """Every line that the steps of a job run, with all values of its matrix put in."""
    matrix = job.get("strategy", {}).get("matrix", {})
    values = {"target": [entry["target"] for entry in matrix.get("include", [])]}
    found = []
    for line in "\n".join(step.get("run", "") for step in job["steps"]).splitlines():
        named = re.findall(r"\$\{\{ matrix\.(\w+) \}\}", line)
        assert line.count("${{") == len(named), "only a matrix may write into a command"
        chosen = values[named[0]] if named else [""]
        found += [re.sub(r"\$\{\{.*?\}\}", value, line).strip() for value in chosen]
    return [line for line in found if line]


def valid(*paths: Path) -> bool:
    """Whether GitHub's own schema accepts the files."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    ended = subprocess.run(
        [*command, "vendor.github-workflows", *map(str, paths)], capture_output=True, text=True
    )
    print(ended.stdout)
    return ended.returncode == 0


def test_githubs_schema_accepts_them_and_no_misspelling(tmp_path: Path) -> None:
    assert set(FILES) == {"tests", "gpu", "canary", "site"}
    assert valid(*FILES.values())
    misspelt = tmp_path / "tests.yml"
    misspelt.write_text(TEXTS["tests"].replace("runs-on:", "run-on:"), encoding="utf-8")
    assert not valid(misspelt)


@every
def test_actions_are_pinned_by_commit_with_their_version_beside(name: str) -> None:
    used = re.findall(r"uses: (.*)", TEXTS[name])
    assert used
    for line in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_commit_everywhere() -> None:
    used = set(re.findall(r"uses: ([\w/-]+)@(\w+) # (\S+)", "\n".join(TEXTS.values())))
    assert len(used) == len({action for action, _, _ in used}) == len({sha for _, sha, _ in used})


@every
def test_rights_are_the_least(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    extra = {job: body["permissions"] for job, body in JOBS.items() if "permissions" in body}
    assert extra == {"site, publish": {"pages": "write", "id-token": "write"}}
    assert "secrets" not in TEXTS[name]
    # with these, code of a stranger would run with our rights
    assert not triggers(name) & {"pull_request_target", "workflow_run", "issue_comment"}
    for step in (step for job in WORKFLOWS[name]["jobs"].values() for step in job["steps"]):
        if "checkout@" in step.get("uses", ""):
            assert step["with"] == {"persist-credentials": False}


@every
def test_runs_of_one_kind_do_not_pile_up(name: str) -> None:
    assert WORKFLOWS[name]["concurrency"]["group"].startswith(name)


@every_job
def test_no_job_runs_for_ever(name: str) -> None:
    assert 1 <= JOBS[name]["timeout-minutes"] <= 120


@every_job
def test_every_command_is_a_target_of_make(name: str) -> None:
    for line in commands(JOBS[name]):
        command = line.partition(" #")[0].split()
        assert command[0] == "make" and len(command) == 2, line
        assert command[1] in TARGETS, line


def test_the_publishing_job_runs_nothing_of_ours() -> None:
    assert commands(JOBS["site, publish"]) == []
    assert JOBS["site, publish"]["needs"] == "build"


def test_a_machine_of_our_own_is_never_reached_by_a_pull_request() -> None:
    own = {name.split(",")[0] for name, job in JOBS.items() if "self-hosted" in job["runs-on"]}
    assert own == {"gpu"}
    assert triggers("gpu") == {"schedule", "workflow_dispatch"}
    assert JOBS["gpu, chapters"]["runs-on"] == ["self-hosted", "linux", "x64", "gpu"]


def test_the_gpu_is_asserted_first_and_the_results_are_kept() -> None:
    job = JOBS["gpu, chapters"]
    assert commands(job)[0].startswith("make test-gpu")
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\ntest-gpu:")[2].splitlines()[1]
    assert recipe.strip() == "@$(COURSE) tools/author/require_gpu.py"
    kept = job["steps"][-1]
    assert kept["if"] == "always()"
    assert kept["with"]["path"].split() == ["build/*.html", "build/executed/", "benchmarks/*.json"]


def test_without_a_gpu_one_sentence_says_so(monkeypatch, capsys) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert require_gpu.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("There is no CUDA GPU that can be used here")
    assert said.count("\n") == 1


def test_oldest_and_newest_python_and_both_ipywidgets_are_tested() -> None:
    matrix = JOBS["tests, tests"]["strategy"]["matrix"]
    ends = ["{}.{}".format(*version) for version in (install.OLDEST, install.NEWEST)]
    assert matrix["python"] == ends
    assert JOBS["canary, newest"]["strategy"]["matrix"]["python"] == ends
    targets = {entry["ipywidgets"]: entry["target"] for entry in matrix["include"]}
    assert set(targets) == set(matrix["ipywidgets"])
    assert targets.pop("8") == "test"
    ((old, target),) = targets.items()
    assert target == "test-widgets7"
    assert f"ipywidgets=={old} " in (ROOT / widgets7.REQUIREMENTS).read_text(encoding="utf-8")
