"""Every slide of every deck as an audience sees it: nothing overflows, all can be read, offline."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from driving import CHROMIUM, REPOSITORY, shoot

DECKS = sorted(path.stem for path in (REPOSITORY / "slides").glob("*.ipynb"))
WIDTH, HEIGHT = 1280, 720
SMALLEST = 24  # CSS pixels, 18 pt
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All decks, built as `make slides` builds them."""
    if CHROMIUM is None:
        pytest.skip("printing the decks needs Chromium: apt install chromium")
    folder = tmp_path_factory.mktemp("slides")
    command = [sys.executable, "-m", "tools.presenter.slides", "--build", str(folder)]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=1200)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture(scope="module", params=DECKS)
def deck(request: Any, built: Path, browser: Any) -> Iterator[tuple[str, Any, list[str]]]:
    """A deck in the browser, with every address that it asks for."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto((built / f"{request.param}.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    yield request.param, page, asked
    page.close()


LOOK = """([smallest]) => {
    const frame = Reveal.getCurrentSlide().querySelector('.frame');
    const box = frame.getBoundingClientRect(), found = [];
    const body = frame.querySelector('.body').getBoundingClientRect();
    const leaves = (place, box) => place.left < box.left - 1 || place.right > box.right + 1 ||
        place.top < box.top - 1 || place.bottom > box.bottom + 1;
    for (const part of frame.querySelectorAll('*')) {
        const style = getComputedStyle(part), place = part.getBoundingClientRect();
        if (style.display === 'none' || !place.width || !place.height) continue;
        if (part.closest('.course-live')) continue; // a widget can be scrolled
        if (part.closest('math')) { if (part.tagName !== 'math') continue; }
        const name = part.tagName + ' "' + part.textContent.trim().slice(0, 40) + '"';
        if (leaves(place, box)) found.push(name + ' leaves the slide');
        else if (part.closest('.body') && leaves(place, body))
            found.push(name + ' leaves its place between headline and source');
        const words = [...part.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (words && parseFloat(style.fontSize) < smallest - 0.1)
            found.push(name + ' is set in ' + style.fontSize);
        if (part.tagName === 'IMG') {
            if (!part.alt) found.push('an image has no alt text');
            if (place.width < part.width - 1) found.push(name + ' is drawn smaller than it is');
            const ratio = place.width / place.height, own = part.naturalWidth / part.naturalHeight;
            if (Math.abs(ratio / own - 1) > 0.02) found.push('an image is distorted');
        }
    }
    return found;
}"""


def test_every_slide_can_be_read(deck: tuple[str, Any, list[str]]) -> None:
    name, page, _ = deck
    count = page.evaluate("Reveal.getTotalSlides()")
    assert 12 <= count <= 20
    problems = []
    for index in range(count):
        page.evaluate(f"Reveal.slide({index})")
        page.wait_for_function(f"Reveal.getIndices().h === {index}")
        found = page.evaluate(LOOK, [SMALLEST])
        problems += [f"slide {index + 1}: {problem}" for problem in found]
        shoot(page, f"slides-{name}-{index + 1:02d}")
    assert not problems


SIZES = """() => [...document.querySelectorAll('.content .body :is(p, li, td, pre)')]
    .filter(part => !part.closest('.course-live') && part.textContent.trim())
    .map(part => parseFloat(getComputedStyle(part).fontSize) * Reveal.getScale())"""


def test_text_is_large_on_a_projector(deck: tuple[str, Any, list[str]]) -> None:
    _, page, _ = deck
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.wait_for_function("Reveal.getScale() > 1.4")
    sizes = page.evaluate(SIZES)
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.wait_for_function("Reveal.getScale() === 1")
    assert sizes and min(sizes) >= 28


def test_the_progress_bar_can_be_seen(deck: tuple[str, Any, list[str]]) -> None:
    _, page, _ = deck
    bar = page.evaluate(
        """() => { const style = getComputedStyle(document.querySelector('.reveal .progress'));
        return [parseFloat(style.height), style.color, style.backgroundColor]; }"""
    )
    assert bar[0] >= 6 and bar[1] == "rgb(0, 114, 178)" and bar[2] != bar[1]


TALLER = """[...document.querySelectorAll('.present .output:has(.cw-explorer, .cw-desk)')]
    .map(output => output.scrollHeight - output.clientHeight)"""


def test_explorer_and_desk_fit_the_slide(deck: tuple[str, Any, list[str]]) -> None:
    _, page, _ = deck
    found = []
    for index in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(f"Reveal.slide({index})")
        if not page.locator(".present .course-live").count():
            continue
        page.locator(".present .course-widget[data-ready]").first.wait_for(timeout=20_000)
        page.wait_for_timeout(300)
        found.append((index + 1, "at first", page.evaluate(TALLER)))
        opening = page.locator(".present").get_by_role("button", name="Open the test set, once")
        for opened in range(2 * opening.count()):
            opening.click()
            page.wait_for_timeout(300)
            found.append((index + 1, f"after round {opened + 1}", page.evaluate(TALLER)))
            page.locator(".present").get_by_role("button", name="Another round").click()
    assert not [one for one in found if any(pixels > 1 for pixels in one[2])]


def test_images_of_figures_are_sharp_enough(deck: tuple[str, Any, list[str]]) -> None:
    _, page, _ = deck
    small = page.evaluate(
        """[...document.querySelectorAll('.slides img')]
            .filter(image => image.naturalWidth < 1.4 * image.width)
            .map(image => image.alt.slice(0, 60))"""
    )
    assert not small


def test_nothing_is_asked_of_a_network(deck: tuple[str, Any, list[str]]) -> None:
    _, page, asked = deck
    page.evaluate("Reveal.slide(1)")
    page.wait_for_timeout(300)
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
    assert len([url for url in asked if url.startswith("file:")]) == 1


def test_every_slide_has_its_notes(deck: tuple[str, Any, list[str]]) -> None:
    _, page, _ = deck
    notes = page.evaluate(
        """[...document.querySelectorAll('.slides > section')]
            .map(slide => slide.querySelector('aside.notes')?.textContent ?? '')"""
    )
    for number, text in enumerate(notes, start=1):
        for part in ("Say:", "Ask:", "Likely:", "Minutes:"):
            assert part in text, f"slide {number} lacks {part}"


def test_the_speaker_view_opens_and_shows_notes(deck: tuple[str, Any, list[str]]) -> None:
    _, page, _ = deck
    page.evaluate("Reveal.slide(1)")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    view = popup.value
    view.wait_for_function(
        "document.querySelector('.speaker-controls-notes .value')?.textContent.includes('Say:')"
    )
    view.close()


@pytest.mark.parametrize("name", DECKS)
def test_a_deck_is_small_enough_to_pass_on(built: Path, name: str) -> None:
    assert (built / f"{name}.html").stat().st_size <= 10_000_000


@pytest.mark.parametrize("name", DECKS)
def test_the_pdf_has_a_page_for_every_slide(built: Path, name: str) -> None:
    notebook = nbformat.read(REPOSITORY / "slides" / f"{name}.ipynb", as_version=4)
    slides = sum(
        cell.metadata.get("slideshow", {}).get("slide_type") == "slide" for cell in notebook.cells
    )
    content = (built / f"{name}.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == slides
