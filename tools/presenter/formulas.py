"""Formulas as MathML, which browsers draw without any library, and the font to draw them in."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path

from bs4 import BeautifulSoup
from latex2mathml.converter import convert

FONT = Path(__file__).resolve().parents[1] / "templates" / "formulas" / "stix-two-math.woff2"
BRACE_BELOW = "\N{BOTTOM CURLY BRACKET}"
# What a sum carries stands below and above it, where there is room: the converter says "beside".
LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}


def mathml(latex: str, display: str = "inline") -> str:
    """A formula as LaTeX sets it, but a line (class ``braced``) for each brace below a term.

    Parameters
    ----------
    latex : str
        Without the dollars around it.
    display : {"inline", "block"}
    """
    page = BeautifulSoup(convert(" ".join(latex.split()), display=display), "html.parser")
    for brace in page.find_all("mo", string=BRACE_BELOW):
        whole = brace.parent
        assert whole is not None
        term = whole.find(recursive=False)
        assert term is not None
        term["class"] = "braced"
        whole.replace_with(term)
    for operator in page.find_all("mo", string=["\N{N-ARY SUMMATION}", "\N{N-ARY PRODUCT}"]):
        whole = operator.parent
        assert whole is not None
        whole.name = LIMITS.get(whole.name, whole.name)
    for function in page.find_all("mi", string=re.compile(r"^[a-z]{2,}$")):  # ln, exp ...
        following = function.find_next_sibling()
        if following is not None and following.get_text() != "(":
            function.insert_after(page.new_tag("mspace", width="0.17em"))
    return str(page)


def font_style() -> str:
    """CSS that brings the font into a page."""
    data = b64encode(FONT.read_bytes()).decode()
    return (
        '@font-face { font-family: "Course Math";'
        f" src: url(data:font/woff2;base64,{data}) format('woff2'); }}\n"
        'math { font-family: "Course Math", math; }'
    )
