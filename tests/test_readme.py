"""What the README tells people to type and to open is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)`", README))))
def test_every_make_target_exists(target: str) -> None:
    assert target in TARGETS


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (REPOSITORY / link).exists()


@pytest.mark.parametrize("script", sorted(set(re.findall(r"\btools/\w+\.py", README))))
def test_every_script_exists(script: str) -> None:
    assert (REPOSITORY / script).is_file()
