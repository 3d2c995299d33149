"""Build one folder with all that a room without a network needs: `make room-kit`.

    python -m tools.presenter.room_kit --to /media/stick
    python -m tools.presenter.room_kit --platforms windows macos --pythons 3.12 3.13

The folder holds the course, its slides, packages for each kind of machine, a page of instructions
and `install.py`. uv works out which packages fit a machine and prefers the versions of this
environment, which are the tested ones; pip fetches them and checks their hashes. `manifest.json`
is written last: a copy without it is unfinished. After an interruption the same command goes on.
"""

from __future__ import annotations

import argparse
import errno
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from packaging.version import Version

from tools.learner import install
from tools.presenter import room_install, room_pages, slides

ROOT = Path(__file__).resolve().parents[2]
# What attendees and presenters work with; not what only authors need.
PARTS = (
    *("course_utils", "notebooks", "slides", "tools", "images", "README.md", "Makefile"),
    *("pyproject.toml", "environment.yml", "LICENSE", "LICENSE-CC-BY-4.0", "NOTICE"),
    "CITATION.cff",
)
# What a kit consists of. Anything else on the stick is left alone.
OURS = ("README.txt", "course", "index.html", "install.py", "slides", "wheels")
PYTHONS = [f"3.{minor}" for minor in range(install.OLDEST[1], install.NEWEST[1] + 1)]
# uv and pip take the same settings under different names.
PIP_TO_UV = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_FIND_LINKS": "UV_FIND_LINKS"}
UV_NETWORK_TROUBLE = re.compile(r"error sending request|timed out")


class KitError(Exception):
    """What went wrong and what to do, in one sentence for the person at the keyboard."""


def _linux(machine: str) -> tuple[str, str, str, list[str]]:
    glibc = [f"manylinux_2_{minor}" for minor in range(28, 4, -1)]
    tags = [f"{name}_{machine}" for name in (*glibc, "manylinux2014", "linux")]
    return "Linux", machine, f"{machine}-manylinux_2_28", tags


# What platform.system() and platform.machine() say, uv's name, and the tags that pip may take.
PLATFORMS = {
    "windows": ("Windows", "AMD64", "windows", ["win_amd64"]),
    "macos": ("Darwin", "arm64", "macos", ["macosx_14_0_arm64"]),
    "linux": _linux("x86_64"),
    "linux-arm": _linux("aarch64"),
}


@dataclass(frozen=True)
class Machine:
    """A kind of machine to collect packages for.

    Attributes
    ----------
    name : str
        One of `PLATFORMS`.
    python : str
        Such as "3.12".
    """

    name: str
    python: str

    @property
    def entry(self) -> dict[str, str]:
        """What the manifest says of it, and in which folder of the kit its packages lie."""
        system, machine, _, _ = PLATFORMS[self.name]
        place = f"wheels/{self.name}-{self.python}"
        return {"system": system, "machine": machine, "python": self.python, "wheels": place}

    def __str__(self) -> str:
        return room_install.described(self.entry)


def this_platform() -> str:
    """Name the kind of machine that this runs on.

    Raises
    ------
    KitError
        It is none of those that kits are made for.
    """
    for name, (*here, _, _) in PLATFORMS.items():
        if here == [platform.system(), platform.machine()]:
            return name
    raise KitError(f"Say with PLATFORMS for which machines: {', '.join(PLATFORMS)}.")


# --- packages -------------------------------------------------------------------------------------


def tested_versions() -> str:
    """List the packages of this environment, one `name==version` a line, for uv to prefer.

    A build such as 2.13.0+cpu is also listed as 2.13.0, which is its name on other machines.
    """
    lines = []
    for one in importlib.metadata.distributions():
        version = Version(one.version)
        lines += [f"{one.metadata['Name']}=={text}" for text in {str(version), version.public}]
    return "\n".join(sorted(set(lines)))


@cache
def cpu_index_answers() -> bool:
    """Say whether PyTorch's index of small builds for Linux can be reached."""
    return install.answers(install.PYTORCH_CPU_INDEX + "/torch/", install.PROBE_SECONDS)


def ask(command: list[str], machine: Machine, **options: Any) -> None:
    """Run uv or pip, and turn a failure into one sentence.

    Raises
    ------
    KitError
        There is no network, or no fitting package.
    OSError
        The disk is full.
    """
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, **options)
    if ended.returncode == 0:
        return
    if install.NO_SPACE.search(ended.stderr):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if install.NETWORK_TROUBLE.search(ended.stderr) or UV_NETWORK_TROUBLE.search(ended.stderr):
        raise KitError(
            "The Python package index does not answer: check the network (and the proxy, if "
            "there is one), then run the same command again. What is here already is kept."
        )
    reasons = re.findall(r"^\s*(?:cause:|error:|ERROR:)\s*(.+)$", ended.stderr, re.MULTILINE)
    raise KitError(
        f"There are no fitting packages for {machine} ({(reasons or ['no reason given'])[-1]}): if "
        "a page in the browser asks you to log in, do that; then run the same command again."
    )


def resolve(kit: Path, machine: Machine) -> None:
    """Write which packages the course takes on a machine, with hashes, as `requirements.txt`."""
    wheels, project = kit / machine.entry["wheels"], kit / "course" / "pyproject.toml"
    wheels.mkdir(parents=True, exist_ok=True)
    listed = wheels / "requirements.txt"
    listed.write_text(tested_versions(), encoding="utf-8")  # uv prefers what its output names
    builder = re.search(r'^requires = \["(.+)"\]$', project.read_text(encoding="utf-8"), re.M)
    assert builder is not None
    system, _, target, _ = PLATFORMS[machine.name]
    command = [sys.executable, "-m", "uv", "pip", "compile", str(project), "-", "--extra", "lab"]
    command += ["--python-platform", target, "--python-version", machine.python]
    command += ["--only-binary=:all:", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--quiet", "--output-file", str(listed)]
    if system == "Linux" and cpu_index_answers():  # elsewhere PyPI's torch is the small one
        command += ["--torch-backend", "cpu"]
    pips = {new: os.environ[old] for old, new in PIP_TO_UV.items() if old in os.environ}
    print(f"Choosing packages for {machine}.", flush=True)
    settings = {"UV_SYSTEM_CERTS": "true", "MACOSX_DEPLOYMENT_TARGET": "14.0", **pips, **os.environ}
    ask(command, machine, input=builder[1], env=settings)


def fetch(kit: Path, machine: Machine) -> None:
    """Bring the wheels that a machine's `requirements.txt` lists, and remove all others."""
    wheels = kit / machine.entry["wheels"]
    listed = wheels / "requirements.txt"
    wanted = listed.read_text(encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--implementation=cp", "--python-version", machine.python]
    command += [f"--platform={tag}" for tag in PLATFORMS[machine.name][3]]
    command += ["--dest", str(wheels), "--requirement", str(listed)]
    if "+cpu" in wanted and cpu_index_answers():
        command += ["--extra-index-url", install.PYTORCH_CPU_INDEX]
    if not sys.stdout.isatty():
        command += ["--quiet"]
    if "PIP_RETRIES" not in os.environ:
        command += ["--retries=2"]
    print(f"Fetching {wanted.count('==')} packages for {machine}.", flush=True)
    ask(command, machine)
    for path in wheels.glob("*.whl"):
        if room_install.sha256_of(path) not in wanted:
            path.unlink()


# --- everything else ------------------------------------------------------------------------------


def copy_course(root: Path, target: Path) -> None:
    """Copy what attendees work with, in the place of an earlier copy."""
    shutil.rmtree(target, ignore_errors=True)
    for part in PARTS:
        for path in [root / part, *sorted((root / part).rglob("*"))]:
            name = path.relative_to(root)
            hidden = any(one.startswith((".", "__pycache__")) for one in name.parts)
            if path.is_file() and not hidden:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target / name)


def copy_slides(root: Path, target: Path) -> None:
    """Copy the decks, and build them first where they are older than their sources.

    Raises
    ------
    KitError
        They cannot be built.
    """
    built = root / "build" / "slides"
    pages = {deck: built / f"{deck.stem}.html" for deck in (root / "slides").glob("*.ipynb")}
    fresh = all(
        page.is_file() and page.stat().st_mtime >= deck.stat().st_mtime
        for deck, page in pages.items()
    )
    if not fresh and slides.main(["--slides", str(root / "slides"), "--build", str(built)]) != 0:
        raise KitError("The slides could not be built: see above, or run `make slides`.")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for page in pages.values():
        for path in filter(Path.is_file, (page, page.with_suffix(".pdf"))):
            shutil.copyfile(path, target / path.name)


def require_own(kit: Path) -> None:
    """Raise KitError if what lies in a folder under our names is somebody else's."""
    others = [name for name in OURS if (kit / name).exists()]
    if others and not (kit / "install.py").is_file():
        raise KitError(
            f"{kit} has {others[0]}, which is not from here: choose a new folder with TO=/path."
        )


def entry_of(kit: Path, machine: Machine) -> dict:
    """Return what the manifest says of a machine, with the disk that the course takes there."""
    size = sum(path.stat().st_size for path in (kit / "course").rglob("*"))
    for path in (kit / machine.entry["wheels"]).glob("*.whl"):
        with zipfile.ZipFile(path) as wheel:
            size += sum(member.file_size for member in wheel.infolist())
    return {**machine.entry, "megabytes": round(1.3 * size / 1e6)}  # and what Python compiles


def manifest_of(kit: Path, entries: list[dict]) -> dict:
    """Say what a kit holds: every file with its size and sha256, and for which machines."""
    ours = [path for name in OURS for path in [kit / name, *(kit / name).rglob("*")]]
    files = {
        path.relative_to(kit).as_posix(): [path.stat().st_size, room_install.sha256_of(path)]
        for path in ours
        if path.is_file()
    }
    return {"files": files, "machines": entries}


def build(kit: Path, machines: list[Machine], root: Path = ROOT) -> dict:
    """Build or complete a kit. Returns its manifest.

    Raises
    ------
    KitError, OSError
        With what to do; packages that are there already are kept.
    """
    kit.mkdir(parents=True, exist_ok=True)
    require_own(kit)
    (kit / room_install.MANIFEST).unlink(missing_ok=True)
    shutil.copyfile(room_install.__file__, kit / "install.py")
    copy_course(root, kit / "course")
    copy_slides(root, kit / "slides")
    for machine in machines:
        resolve(kit, machine)
        fetch(kit, machine)
    for folder in (kit / "wheels").iterdir():
        if f"wheels/{folder.name}" not in {machine.entry["wheels"] for machine in machines}:
            shutil.rmtree(folder)  # a machine of an earlier call
    entries = [entry_of(kit, machine) for machine in machines]
    for name, content in room_pages.pages(kit, entries).items():
        (kit / name).write_text(content, encoding="utf-8")
    manifest = manifest_of(kit, entries)
    text = json.dumps(manifest, indent=1, sort_keys=True)
    (kit / room_install.MANIFEST).write_text(text, encoding="utf-8")
    return manifest


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and build. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "room-kit")
    parser.add_argument("--platforms", nargs="*", default=[], choices=PLATFORMS)
    parser.add_argument("--pythons", nargs="*", default=[], choices=PYTHONS)
    options = parser.parse_args(arguments)
    kit = options.to.expanduser().resolve()
    pythons = options.pythons or ["{}.{}".format(*sys.version_info)]
    try:
        names = options.platforms or [this_platform()]
        manifest = build(kit, [Machine(*one) for one in product(names, pythons)])
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: the same command goes on where it was.", file=sys.stderr)
        return 130
    except OSError as error:
        print(
            f"{kit} cannot be written ({error.strerror or error}): make room there or put the "
            "stick in again, then run the same command; or choose another place with TO=/path.",
            file=sys.stderr,
        )
        return 1
    size = sum(size for size, _ in manifest["files"].values()) / 1e6
    print(f"{len(manifest['files'])} files, {size:.0f} MB: {kit}")
    for entry in manifest["machines"]:
        print(f"  packages for {room_install.described(entry)}")
    print(f"Check a copy: python3 install.py --check. In the room: {kit / 'README.txt'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
