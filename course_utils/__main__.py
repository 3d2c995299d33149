"""What can be asked of the course from a terminal: ``python -m course_utils doctor``."""

from __future__ import annotations

import argparse
import os
import sys


def doctor() -> int:
    """Say whether this machine is ready, and what mends what is not."""
    from . import doctor

    findings = doctor.examine()
    print(doctor.text(findings))
    return 0 if doctor.healthy(findings) else 1


def fetch() -> int:
    """Fetch all images, from the mirror or the network, into the data folder."""
    from . import _files, data

    os.environ["COURSE_DATA"] = "full"
    try:
        data.load_mnist("test")
        data.load_fashion_mnist("test")
    except data.DataUnavailableError as error:
        print(error, file=sys.stderr)
        return 1
    folder = data.data_dir()
    for dataset in _files.FILES:
        # images that are in memory only end with this process
        if trouble := _files.trouble_in(folder, dataset):
            print(f"The images are not all in {folder}: {trouble}.", file=sys.stderr)
            return 1
    print(f"MNIST and Fashion-MNIST are complete in {folder}.")
    return 0


def colab() -> int:
    """On Google Colab: install what the course needs and Colab does not have."""
    from . import colab

    return colab.install()


COMMANDS = {"doctor": doctor, "fetch": fetch, "colab": colab}


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m course_utils")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.__doc__)
    return COMMANDS[parser.parse_args(arguments).command]()


if __name__ == "__main__":
    sys.exit(main())
