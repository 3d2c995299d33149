"""Formulas of decks and handout."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from latex2mathml.converter import convert

from tools.presenter import formulas


def drawn(latex: str, display: str = "block") -> BeautifulSoup:
    return BeautifulSoup(formulas.mathml(latex, display), "html.parser")


@pytest.mark.parametrize("count", [1, 2])
def test_braces_below_terms_become_lines(count: int) -> None:
    term = r"\underbrace{\frac{1}{M} \sum_m H_m}_{\text{expected entropy}}"
    formula = drawn(" + ".join([term] * count))
    terms = formula.select(".braced")
    assert len(terms) == count and all(term.find("mfrac") for term in terms)
    assert formulas.BRACE_BELOW not in formula.get_text()
    assert formula.get_text().count("expected") == count
    below = terms[0].find_next_sibling()
    assert below.get_text().replace("\N{NO-BREAK SPACE}", " ") == "expected entropy"


def test_a_sum_has_its_limits_below_and_above() -> None:
    formula = drawn(r"\sum_{m=1}^M w_m + \sum_c c")
    assert [part.name for part in formula.select("munderover, munder")] == ["munderover", "munder"]
    assert formula.munderover.get_text() == "\N{N-ARY SUMMATION}m=1M"
    assert formula.msub.get_text() == "wm"  # an index stays one


def test_a_function_keeps_its_distance_except_before_a_bracket() -> None:
    assert drawn(r"-\ln p").mspace.find_previous_sibling().get_text() == "ln"
    assert drawn(r"\ln(p)").mspace is None


def test_everything_else_is_left_alone() -> None:
    formula = r"\frac{\partial L}{\partial w} + \lambda w"
    assert formulas.mathml(formula) == str(BeautifulSoup(convert(formula), "html.parser"))


def test_the_font_travels_in_the_page() -> None:
    assert "url(data:font/woff2;base64,d09GMg" in formulas.font_style()
