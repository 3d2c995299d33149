"""What can be asked of the course from a terminal: ``python -m course_utils doctor``."""

from __future__ import annotations

import argparse
import sys


def doctor() -> int:
    """Say whether this machine is ready, and how to fix what is not."""
    try:
        from course_utils.health import doctor
    except ImportError as error:  # a package that the doctor itself needs
        return _cannot_look(error)

    findings = doctor.examine()
    print(doctor.text(findings))
    return 0 if doctor.healthy(findings) else 1


def _cannot_look(error: ImportError) -> int:
    from course_utils.health import packages, report

    again = packages.broken() or [error.name or "numpy"]
    command = [sys.executable, "-m", "pip", "install", "--force-reinstall", "--no-deps", *again]
    print(report.text([report.Finding("Packages", "problem", str(error), " ".join(command))]))
    return 1


def colab() -> int:
    """On Google Colab: install what the course needs and Colab does not have."""
    from course_utils.health import colab

    return colab.install()


COMMANDS = {"doctor": doctor, "colab": colab}


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m course_utils")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.__doc__)
    return COMMANDS[parser.parse_args(arguments).command]()


if __name__ == "__main__":
    sys.exit(main())
