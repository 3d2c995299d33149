"""Attendees on a real hub, all at once, and forty of whom few are there: `make hub-test`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.hub, pytest.mark.timeout(900)]
pytest.importorskip("jupyterhub", reason="needs the hub's own packages: make hub-test")

import measuring  # noqa: E402
from attendee import Attendee  # noqa: E402
from measuring import Hub, Row, report, running_hub, together  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]
CHAPTER, TRAIT = "02_lenet.ipynb", "coverage"  # the explorer's slider
AT_ONCE = (1, 4, 8, 10)
REGISTERED, STARTED, ACTIVE, IDLE_SECONDS = 40, 10, 3, 20


def test_everybody_gets_through_a_chapter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load = os.getloadavg()[0]
    with running_hub(tmp_path) as hub:
        rows = [asyncio.run(together(hub, count, CHAPTER, TRAIT)) for count in AT_ONCE]
    told = report(rows, load)
    (REPOSITORY / "build" / "hub.txt").write_text(told + "\n", encoding="utf-8")
    with capsys.disabled():
        print(f"\n{told}")
    assert [error for row in rows for error in row.errors] == []


def test_the_forecast_follows_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "CORES", 2)
    rows = [
        # two seconds and three for each attendee per core; alone on two cores it's faster
        Row(count, 1.0, 4.0 * count / 2, 0.5, 2 + 3 * count / 2 if count > 1 else 1, 800.0, [])
        for count in AT_ONCE
    ]
    told = report(rows, 0.0)
    assert "chapter = 2.0 s + 3.0 s x attendees per core" in told
    assert "on 8 cores as fast as these: slowest start 20 s, chapter 17 s, memory 32 GB" in told
    assert "on 16 cores as fast as these: slowest start 10 s, chapter 10 s, memory 32 GB" in told


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Hub]:
    with running_hub(tmp_path, IDLE_SECONDS) as hub:
        yield hub


def test_idle_servers_make_room_and_their_work_is_kept(impatient: Hub) -> None:
    asyncio.run(_forty(impatient))


async def _forty(hub: Hub) -> None:
    names = [f"p{number}" for number in range(REGISTERED)]
    stay, leave = names[:ACTIVE], names[ACTIVE:STARTED]
    for name in names:
        async with Attendee(hub.address, name) as one:
            await one.log_in()

    gone = asyncio.Event()
    working = [asyncio.create_task(_work(hub, name, gone)) for name in stay]
    await asyncio.gather(*(_leave(hub, name) for name in leave))
    assert len(hub.servers()) == STARTED
    limit = time.monotonic() + 10 * IDLE_SECONDS
    while len(hub.servers()) > ACTIVE:
        assert time.monotonic() < limit, "idle servers are not stopped"
        await asyncio.sleep(1)
    await asyncio.sleep(IDLE_SECONDS)  # more than enough to stop a server that is not idle
    assert len(hub.servers()) == ACTIVE
    gone.set()
    assert await asyncio.gather(*working) == ["", "", ""]

    async with Attendee(hub.address, leave[0]) as back:
        await back.log_in()
        await back.start()
        assert await back.read("mine.ipynb") == [f"# {leave[0]}'s own"]
        await back.open(CHAPTER)
        assert (await back.run("print('left_here' in globals())"))[0] == "False\n", "a new kernel"


async def _leave(hub: Hub, name: str) -> None:
    async with Attendee(hub.address, name) as one:
        await one.log_in()
        await one.start()
        await one.open(CHAPTER)
        await one.run("left_here = True")
        await one.save("mine.ipynb", [f"# {name}'s own"])


async def _work(hub: Hub, name: str, until: asyncio.Event) -> str:
    """Run a cell every few seconds; returns the first error."""
    async with Attendee(hub.address, name) as one:
        await one.log_in()
        await one.start()
        await one.open(CHAPTER)
        while not until.is_set():
            if error := (await one.run("sum(range(1000))"))[1]:
                return error
            await asyncio.sleep(3)
    return ""
