"""JupyterLab on this machine only, and a Chromium that looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from driving import CHROMIUM, FLAGS, Lab, errors, run_all


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("the browser tests need Chromium: apt install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs: pip install playwright")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def lab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.close()


@pytest.fixture
def opened(lab: Lab, browser: Any) -> Iterator[Callable[..., Any]]:
    """Runs cells as a notebook and returns the page; the test ends in failure if a cell failed."""
    pages: list[Any] = []
    messages: list[str] = []

    def run(name: str, cells: list[str]) -> Any:
        lab.write(name, cells)
        page = browser.new_page(viewport={"width": 1280, "height": 1500})
        page.on("pageerror", lambda error: messages.append(str(error)))
        pages.append(page)
        run_all(page, lab.address, name)
        assert not errors(page)  # at once: what a test waits for would never come
        return page

    yield run
    found = [message for page in pages for message in errors(page)] + messages
    for page in pages:
        page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
        page.close()
    assert not found
