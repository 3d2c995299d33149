"""Shared by all tests: a data folder of their own, and the full data where a mirror has it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[1]
_OUR_VARIABLES = ("COURSE_DATA_DIR", "COURSE_DATA_MIRROR", "COURSE_DATA")
_before: dict[str, str | None] = {}
# The same examples at every run in CI; a busy machine is no reason to fail.
settings.register_profile("course", deadline=None, max_examples=60, derandomize="CI" in os.environ)
settings.load_profile("course")


def _find_mirror() -> str | None:
    given = os.environ.get("COURSE_DATA_MIRROR", "").strip()
    beside = REPOSITORY.parent / "shared" / "data"
    return given or (str(beside) if (beside / "MNIST" / "raw").is_dir() else None)


MIRROR = _find_mirror()


def pytest_configure(config: pytest.Config) -> None:
    # Before any test module is imported, and not in a fixture, which nbval's items would not see.
    # A test never touches the user's cache, nor a network unless it sets one up itself.
    _before.update({name: os.environ.get(name) for name in _OUR_VARIABLES})
    os.environ["COURSE_DATA_DIR"] = tempfile.mkdtemp(prefix="course-tests-")
    os.environ["COURSE_DATA"] = "sample"
    os.environ.pop("COURSE_DATA_MIRROR", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _before:
        return
    shutil.rmtree(os.environ["COURSE_DATA_DIR"], ignore_errors=True)
    for name, value in _before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if MIRROR is None:
        reason = "needs the full data: ../shared/data or COURSE_DATA_MIRROR"
        for item in items:
            if "full" in item.keywords:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def in_its_thread() -> Iterator[Callable[..., Any]]:
    """Call a function in a thread of its own.

    A thread bears one Playwright only, and the browser tests hold one until the session ends.
    """
    with ThreadPoolExecutor(1) as pool:
        yield lambda function, *given: pool.submit(function, *given).result()


@pytest.fixture(scope="session")
def mirror() -> str:
    """Folder or address that has the full data sets."""
    if MIRROR is None:
        pytest.skip("needs the full data: ../shared/data or COURSE_DATA_MIRROR")
    return MIRROR


@pytest.fixture
def full_data(mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The course works on the full data sets, unpacked once for all tests."""
    monkeypatch.setenv("COURSE_DATA_MIRROR", mirror)
    monkeypatch.setenv("COURSE_DATA", "full")
