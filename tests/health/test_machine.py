"""Cores and memory as Linux's control groups leave them, and the doctor's words on a hub."""

from __future__ import annotations

import html
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from course_utils.health import doctor, hub_page, machine

HUB = "JUPYTERHUB_SERVICE_PREFIX"
GIGABYTE = 10**9


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 16 cores and 64 GB; its control groups are files in the folder returned."""
    (tmp_path / "own").write_text("0::/\n")
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(machine, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    whole = type("Memory", (), {"total": 64 * GIGABYTE, "available": 60 * GIGABYTE})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: whole)
    monkeypatch.delenv(HUB, raising=False)
    return tmp_path


def write(folder: Path, **numbers: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in numbers.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def ours() -> tuple[float, int | None, int | None]:
    return machine.cores(), machine.memory(), machine.free_memory()


def test_a_machine_of_its_own(groups: Path) -> None:
    assert ours() == (16, 64 * GIGABYTE, 60 * GIGABYTE)
    (finding,) = machine.share()
    assert (finding.state, finding.seen) == ("fine", "16 cores and 64.0 GB of memory")


def test_a_container_with_version_2(groups: Path) -> None:
    write(groups, cpu__max="200000 100000", memory__max="2000000000")
    write(groups, memory__current="900000000")
    assert ours() == (2, 2 * GIGABYTE, 1_100_000_000)
    # files that were read fill what is free, and make way
    write(groups, memory__stat="anon 5\ninactive_file 300000000\nactive_file 9")
    assert machine.free_memory() == 1_400_000_000
    write(groups, cpu__max="max 100000", memory__max="max")
    assert ours() == (16, 64 * GIGABYTE, 60 * GIGABYTE)


def test_a_unit_of_systemd_and_the_slice_around_it(groups: Path) -> None:
    (groups / "own").write_text("0::/system.slice/jupyter-course-ada.service\n")
    unit = groups / "system.slice" / "jupyter-course-ada.service"
    write(unit, cpu__max="50000 100000", memory__max="2000000000", memory__current="500000000")
    write(groups / "system.slice", cpu__max="400000 100000")
    assert ours() == (0.5, 2 * GIGABYTE, 1_500_000_000)
    # the others in the slice have taken nearly all of it
    write(groups / "system.slice", memory__max="8000000000", memory__current="7900000000")
    assert ours() == (0.5, 2 * GIGABYTE, 100_000_000)


def test_a_container_with_version_1(groups: Path) -> None:
    # the path is the host's, and not to be found in the container
    (groups / "own").write_text("5:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=x:/\n")
    write(groups / "cpu", cpu__cfs_quota_us="150000", cpu__cfs_period_us="100000")
    write(groups / "memory", memory__limit_in_bytes="3000000000")
    write(groups / "memory", memory__usage_in_bytes="1000000000")
    write(groups / "memory", memory__stat="inactive_file 1\ntotal_inactive_file 400000000")
    assert ours() == (1.5, 3 * GIGABYTE, 2_400_000_000)
    write(groups / "cpu", cpu__cfs_quota_us="-1")
    write(groups / "memory", memory__limit_in_bytes="9223372036854771712")
    assert ours() == (16, 64 * GIGABYTE, 60 * GIGABYTE)


def test_cores_that_a_process_is_bound_to(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    assert machine.cores() == 1
    (finding,) = machine.share()
    assert finding.seen == "1 core of 16 and 64.0 GB of memory"


def test_this_machine_itself() -> None:
    cores, memory, free = ours()
    assert 0 < cores <= (os.cpu_count() or 1)
    assert free is not None and memory is not None and 0 < free <= memory


# --- on a hub -----------------------------------------------------------------------------------


def test_a_hub_is_named_with_its_page(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HUB, "/user/course-ada/")
    write(groups, cpu__max="200000 100000", memory__max="2000000000")
    (finding,) = doctor.CHECKS["Machine"]()
    assert finding.state == "fine"
    assert "a JupyterHub that leaves you 2 cores of 16 and 2.0 GB of memory" in finding.seen
    assert "open /user/course-ada/doctor" in finding.seen


def test_a_share_too_small_for_a_chapter(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HUB, "/user/course-ada/")
    write(groups, memory__max="1000000000")
    (finding,) = machine.share()
    assert finding.state == "problem" and "takes up to 1.3 GB" in finding.seen
    assert "mem_limit" in finding.fix


def test_the_page_holds_every_outcome(groups: Path) -> None:
    page = hub_page.page("/user/course-ada/doctor/echo")
    assert page.count("16 cores and 64.0 GB") == len(hub_page.OUTCOMES)
    for name, finding in hub_page.OUTCOMES.items():
        assert f'data-outcome="{name}"' in page and html.escape(finding.seen) in page
    assert '"/user/course-ada/doctor/echo"' in page


def test_the_extension_is_light() -> None:
    program = "import sys, course_utils.health.hub_page as page; print('torch' in sys.modules)"
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "False\n"
