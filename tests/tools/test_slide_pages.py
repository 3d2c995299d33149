"""Slides from an executed deck: what is shown where, and formulas."""

from __future__ import annotations

from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.presenter import slide_pages


def markdown(source: str, kind: str = "-"):
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}})


def shows(html: str, kind: str = "-", tags: tuple[str, ...] = ()):
    cell = new_code_cell("...", outputs=[new_output("display_data", {"text/html": html})])
    cell.metadata.update(
        {"slideshow": {"slide_type": kind}, "tags": list(tags), "jupyter": {"source_hidden": True}}
    )
    return cell


def page_of(*cells) -> BeautifulSoup:
    page = slide_pages.deck_page(new_notebook(cells=list(cells)), "A course")
    return BeautifulSoup(page, "html.parser")


def test_a_still_stands_on_paper_for_what_is_live_on_a_screen() -> None:
    page = page_of(
        shows("<p>set-up</p>", "skip"),
        markdown("# Deck", "slide"),
        markdown("## Draw", "slide"),
        shows("<p>a pad</p>", tags=("live",)),
        shows("<p>a drawing</p>", "skip", tags=("still",)),
        markdown("**Say:** draw", "notes"),
    )
    sections = page.select(".slides > section")
    assert len(sections) == 2
    assert sections[1].select_one(".on-screen").get_text() == "a pad"
    assert sections[1].select_one(".on-screen + .on-paper").get_text() == "a drawing"
    assert "set-up" not in page.get_text()
    assert sections[1].select_one("aside.notes").get_text().strip() == "Say: draw"


def test_a_formula_in_a_headline_stands_only_there() -> None:
    with_formula = markdown(r"## Weights grow by $\alpha^2 / M$", "slide")
    page = page_of(markdown("# Deck", "slide"), with_formula)
    headline = page.select("section h2")[0]
    assert headline.math is not None and not headline.has_attr("id")
    words = headline.get_text(" ", strip=True)
    assert words.startswith("Weights grow by \N{GREEK SMALL LETTER ALPHA} 2 / M")


def test_the_minutes_of_the_notes_drive_the_clock_of_the_speaker() -> None:
    page = page_of(
        markdown("# Deck", "slide"),
        markdown("**Say:** hello\n\n**Minutes:** 3", "notes"),
        markdown("## No notes", "slide"),
    )
    assert [one["data-timing"] for one in page.select(".slides > section")] == ["180", "0"]
    assert "defaultTiming: 0" in str(page)  # without it Reveal.js shows no clock


def test_code_is_coloured_and_whole() -> None:
    source = 'for one in digits:\n    print("a < b", one)  # all'
    page = page_of(markdown("# Deck", "slide"), new_code_cell(source))
    code = page.select_one("pre code")
    assert code.get_text() == source
    colours = {part["style"] for part in code.select("span[style]")}
    assert len(colours) >= 3
