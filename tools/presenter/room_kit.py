"""Build one folder with all that a room without a network needs: `make room-kit`.

    python tools/presenter/room_kit.py --to /media/stick
    python tools/presenter/room_kit.py --platforms windows macos --pythons 3.12 3.13

The folder holds packages, images, the course with its trained networks and notebooks, slides, a
page of instructions, and `install.py`. The packages are those of this environment, version by
version, so that the room gets what was tested here. `manifest.json` is written last: a copy without
it is unfinished. Interrupted, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import errno
import gzip
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging import tags
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from course_utils._support.atomic import write_whole
from course_utils.images import ImagesError
from course_utils.images.files import FILES, _Unavailable, original_files, verified
from tools.learner import install
from tools.presenter import room_install, room_pages

ROOT = Path(__file__).resolve().parents[2]
# What an attendee, or whoever teaches, works with; not what only authors need.
PARTS = (
    *("course_utils", "notebooks", "slides", "tools", "images", "README.md", "Makefile"),
    *("pyproject.toml", "environment.yml", "LICENSE", "LICENSE-CC-BY-4.0", "NOTICE"),
    "CITATION.cff",
)
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
# Measured, rounded up: the packages of one kind of machine, of one with CUDA, and everything else.
PACKAGES_MB, CUDA_MB, OTHERS_MB = 600, 4000, 100
# What a kit consists of. Whatever else lies beside it on a stick is nobody's business.
OURS = ("README.txt", "course", "data", "index.html", "install.py", "slides", "wheels")
# What platform.system() and platform.machine() say, and which wheels fit.
OTHERS = {
    "windows": ("Windows", "AMD64", ["win_amd64"]),
    "macos": ("Darwin", "arm64", list(tags.mac_platforms((14, 0), "arm64"))),
    "linux": (
        *("Linux", "x86_64"),
        [*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)), "manylinux2014_x86_64"],
    ),
    "linux-arm": (
        *("Linux", "aarch64"),
        [*(f"manylinux_2_{minor}_aarch64" for minor in range(28, 16, -1)), "manylinux2014_aarch64"],
    ),
}


class KitError(Exception):
    """What went wrong and what to do, in one sentence for the person at the keyboard."""


@dataclass(frozen=True)
class Machine:
    """A kind of machine to collect packages for.

    Attributes
    ----------
    system, machine : str
        As the module `platform` names them there.
    python : str
        Such as "3.12".
    platforms : tuple of str
        Tags of wheels that fit, best first; empty for the machine that this runs on.
    """

    system: str
    machine: str
    python: str
    platforms: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """In words."""
        return room_install.described(vars(self))

    def tags(self) -> frozenset[tags.Tag]:
        """Everything that a wheel for this machine may be tagged with."""
        if not self.platforms:
            return frozenset(tags.sys_tags())
        version = tuple(map(int, self.python.split(".")))
        fitting = list(tags.cpython_tags(version, platforms=self.platforms))
        return frozenset([*fitting, *tags.compatible_tags(version, platforms=self.platforms)])

    def markers(self) -> dict[str, str]:
        """What conditions such as `sys_platform == "win32"` are judged by."""
        here = {name: str(value) for name, value in default_environment().items()}
        if not self.platforms:
            return here
        windows = self.system == "Windows"
        return here | {
            "os_name": "nt" if windows else "posix",
            "sys_platform": {"Windows": "win32", "Darwin": "darwin"}.get(self.system, "linux"),
            "platform_system": self.system,
            "platform_machine": self.machine,
            "platform_release": "",
            "platform_version": "",
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
        }

    def pip(self) -> list[str]:
        """pip's command that brings wheels for this machine, without their dependencies."""
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        if not self.platforms:
            return [*pip, "wheel", "--no-deps", "--wheel-dir"]
        fitting = [option for tag in self.platforms for option in ("--platform", tag)]
        chosen = ["--only-binary=:all:", "--implementation", "cp", "--python-version", self.python]
        return [*pip, "download", "--no-deps", *chosen, *fitting, "--dest"]


def this_machine() -> Machine:
    """The kind of machine that this runs on."""
    return Machine(platform.system(), platform.machine(), ".".join(map(str, sys.version_info[:2])))


def machines(names: Iterable[str], pythons: Iterable[str]) -> list[Machine]:
    """This machine first, then every other kind that is asked for.

    Raises
    ------
    KitError
        A name or version is not known.
    """
    here = this_machine()
    versions = list(pythons) or [here.python]
    found = [here]
    for name in names or ([] if versions == [here.python] else [""]):
        if name and name not in OTHERS:
            raise KitError(f"There is no platform {name!r}: use {', '.join(OTHERS)}.")
        system, machine, fitting = OTHERS.get(name) or like(here)
        for version in versions:
            if not re.fullmatch(r"3\.\d+", version):
                raise KitError(f"{version!r} is no version of Python such as 3.12.")
            if (system, machine, version) != (here.system, here.machine, here.python):
                found.append(Machine(system, machine, version, tuple(fitting)))
    return found


def like(here: Machine) -> tuple[str, str, list[str]]:
    """The entry of `OTHERS` that is this kind of machine."""
    for entry in OTHERS.values():
        if entry[:2] == (here.system, here.machine):
            return entry
    raise KitError(f"Say with PLATFORMS for which machines: {', '.join(OTHERS)}.")


# --- packages -------------------------------------------------------------------------------------


def installed_versions() -> dict[str, str]:
    """Name -> version of every package in this environment, without "+cpu" and the like."""
    return {
        canonicalize_name(one.metadata["Name"]): Version(one.version).public
        for one in importlib.metadata.distributions()
    }


def damage(wheel: Path) -> str:
    """What is wrong with a file that should be a wheel; empty if it can be unpacked."""
    with wheel.open("rb") as file:
        start = file.read(512).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "a web page instead of the file, as from a network that wants a log-in"
    try:
        with zipfile.ZipFile(wheel) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        return f"not a readable zip file ({error})"
    return f"{broken} in it is damaged" if broken else ""


def dependencies(wheel: Path, extras: set[str], markers: dict[str, str]) -> list[Requirement]:
    """What a wheel asks for with these extras on such a machine."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
        header = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
    wanted = map(Requirement, header.get_all("Requires-Dist", []))
    return [
        one
        for one in wanted
        if one.marker is None
        or any(one.marker.evaluate({**markers, "extra": extra}) for extra in extras | {""})
    ]


class Wheels:
    """The packages of a kit, and what could not be had.

    Parameters
    ----------
    folder : Path
        Where they go, each in one step once it is known to be whole.
    pins : dict
        Name -> version to prefer.
    """

    def __init__(self, folder: Path, pins: dict[str, str]) -> None:
        self.folder = folder
        self.pins = pins
        self.arriving = folder / ".arriving"
        small = install.answers(install.PYTORCH_CPU_INDEX + "/torch/", install.PROBE_SECONDS)
        self.linux = ["--extra-index-url", install.PYTORCH_CPU_INDEX] if small else []

    def find(self, wanted: Requirement, machine: Machine, pinned: bool) -> Path | None:
        """The best wheel that is there for a requirement, if there is one."""
        fitting, found = machine.tags(), []
        pin = self.pins.get(canonicalize_name(wanted.name)) if pinned else None
        for path in self.folder.glob("*.whl"):
            name, version, _, marked = parse_wheel_filename(path.name)
            if name != canonicalize_name(wanted.name) or not marked & fitting:
                continue
            if version.public == pin if pin else wanted.specifier.contains(version, True):
                found.append((version, path))
        return max(found)[1] if found else None

    def collect(self, wanted: list[Requirement], machine: Machine) -> tuple[set[Path], list[str]]:
        """Bring these and all that they need; returns the wheels, and names that had none.

        Raises
        ------
        KitError
            Nothing at all can be fetched, or a package for this very machine is missing.
        """
        found: set[Path] = set()
        missing: dict[str, str] = {}
        seen: set[tuple[str, frozenset[str]]] = set()
        while wanted:
            new = {str(one): one for one in wanted if canonicalize_name(one.name) not in missing}
            self.fetch(list(new.values()), machine)
            following: list[Requirement] = []
            for one in new.values():
                wheel = self.find(one, machine, True) or self.find(one, machine, False)
                if wheel is None:
                    missing[canonicalize_name(one.name)] = f"{one.name}{one.specifier}"
                    continue
                found.add(wheel)
                following += dependencies(wheel, one.extras, machine.markers())
            wanted = []
            for one in following:
                key = canonicalize_name(one.name), frozenset(one.extras)
                if key not in seen:
                    seen.add(key)
                    wanted.append(one)
        if missing and not machine.platforms:
            raise KitError(
                f"No package index has {', '.join(missing.values())} for this machine: if a page "
                "in the browser asks you to log in, do that; then run the same command again."
            )
        return found, sorted(missing.values())

    def fetch(self, wanted: list[Requirement], machine: Machine) -> None:
        """Bring what is not there yet: in one go, else one by one, else in another version."""
        needed = [one for one in wanted if not self.find(one, machine, True)]
        if not needed:
            return
        count = len({canonicalize_name(one.name) for one in needed})
        names = needed[0].name if count == 1 else f"{count} packages"
        print(f"Fetching {names} for {machine.name}.", flush=True)
        if self.download([self.pin(one) for one in needed], machine):
            return
        for one in needed:
            pinned = self.pin(one)
            loose = f"{one.name}{one.specifier}"
            if not self.download([pinned], machine) and loose != pinned:
                self.download([loose], machine)

    def pin(self, wanted: Requirement) -> str:
        """A requirement as pip is asked for it."""
        pin = self.pins.get(canonicalize_name(wanted.name))
        return f"{wanted.name}=={pin}" if pin else f"{wanted.name}{wanted.specifier}"

    def download(self, wanted: list[str], machine: Machine, *options: str) -> bool:
        """Have pip bring some packages; says whether it could.

        Raises
        ------
        KitError
            The network, a proxy or the disk is to blame, so that going on has no sense.
        """
        shutil.rmtree(self.arriving, ignore_errors=True)
        self.arriving.mkdir(parents=True)
        command = [*machine.pip(), str(self.arriving), *options]
        if machine.system == "Linux" and not options:
            command += self.linux  # elsewhere PyPI's torch is the small one
        if not sys.stdout.isatty():
            command += ["--quiet"]
        if "PIP_RETRIES" not in os.environ:
            command += ["--retries", "2"]
        ended = subprocess.run([*command, *wanted], stderr=subprocess.PIPE, text=True)
        for wheel in sorted(self.arriving.glob("*.whl")):
            if reason := damage(wheel):
                raise KitError(
                    f"{wheel.name} is {reason}: open any page in a browser, log in if it asks you "
                    "to, and run the same command again."
                )
            os.replace(wheel, self.folder / wheel.name)
        shutil.rmtree(self.arriving, ignore_errors=True)
        if ended.returncode == 0:
            return True
        if install.NO_SPACE.search(ended.stderr):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if install.NETWORK_TROUBLE.search(ended.stderr):
            raise KitError(
                "The Python package index does not answer: check the network (and the proxy, if "
                "there is one), then run the same command again. What is here already is kept."
            )
        return False

    def keep_only(self, wanted: set[Path]) -> None:
        """Remove wheels of earlier versions."""
        for path in set(self.folder.glob("*.whl")) - wanted:
            path.unlink()


def course_wheel(wheels: Wheels, course: Path) -> Requirement:
    """Build the course's own wheel, and bring what building and installing it takes."""
    here = this_machine()
    project = (course / "pyproject.toml").read_text(encoding="utf-8")
    builders = re.search(r"^requires = \[(.*)\]$", project, re.MULTILINE)
    assert builders is not None  # a test reads the file, too
    build = [Requirement(one.strip(' "')) for one in builders[1].split(",")]
    wheels.collect(build, here)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "course"  # setuptools leaves folders where it builds
        shutil.copytree(course, copy)
        offline = ("--no-index", "--find-links", wheels.folder.as_uri())
        if not wheels.download([str(copy)], here, *offline):
            raise KitError("The course's own package could not be built: run `make test` first.")
    return Requirement(f"{room_install.COURSE}[lab]")


# --- everything else ------------------------------------------------------------------------------


def copy_course(root: Path, target: Path) -> None:
    """Copy what attendees work with; files that are the same already stay."""
    wanted = set(files_of(root))
    for name in sorted(wanted):
        content = (root / name).read_bytes()
        path = target / name
        if not path.is_file() or path.read_bytes() != content:
            write_whole(path, content)
    for path in [one for one in target.rglob("*") if one.is_file()]:
        if path.relative_to(target).as_posix() not in wanted:
            path.unlink()


def files_of(root: Path) -> Iterator[str]:
    """Yield the name of every file of the course that goes into a kit."""
    for part in PARTS:
        top = root / part
        if top.is_file():
            yield part
        for folder, folders, names in os.walk(top):
            ignored = NOT_COPIED(folder, [*folders, *names])
            folders[:] = [one for one in folders if one not in ignored]
            for name in names:
                if name not in ignored:
                    yield (Path(folder) / name).relative_to(root).as_posix()


def copy_images(target: Path) -> None:
    """Put all the original images into `target`, in torchvision's layout, zipped.

    Raises
    ------
    DataUnavailableError
        They cannot be had; the message says what to do.
    """
    for dataset, files in FILES.items():
        contents: dict[str, bytes] = {}
        for name in files:
            path = target / dataset / "raw" / f"{name}.gz"
            try:
                verified(path.read_bytes(), dataset, name)
            except (OSError, _Unavailable):
                contents = contents or original_files(dataset)
                write_whole(path, gzip.compress(contents[name], 6, mtime=0))


def copy_slides(built: Path, target: Path, sources: Path) -> None:
    """Copy the decks, built before or now.

    Raises
    ------
    KitError
        They cannot be built.
    """
    decks = sorted(sources.glob("*.ipynb"))
    pages = [built / f"{deck.stem}.html" for deck in decks]
    fresh = all(
        page.is_file() and page.stat().st_mtime >= deck.stat().st_mtime
        for page, deck in zip(pages, decks, strict=True)
    )
    if not fresh:
        print("Building the slides.", flush=True)
        script = Path(__file__).with_name("make_slides.py")
        command = [sys.executable, str(script), "--slides", str(sources), "--build", str(built)]
        if subprocess.run(command).returncode != 0:
            raise KitError("The slides could not be built: see above, or run `make slides`.")
    for page in pages:
        for path in (page, page.with_suffix(".pdf")):
            if path.is_file():
                write_whole(target / path.name, path.read_bytes())


def require_own(target: Path) -> None:
    """Raise KitError if what lies in a folder under our names is somebody else's."""
    others = [name for name in OURS if (target / name).exists()]
    if others and not (target / "install.py").is_file():
        raise KitError(
            f"{target} has {others[0]}, which is not from here: choose a new folder with TO=/path."
        )


def kit_files(kit: Path) -> Iterator[Path]:
    """Yield every file of a kit but the manifest."""
    for name in OURS:
        path = kit / name
        yield from ([path] if path.is_file() else filter(Path.is_file, sorted(path.rglob("*"))))


def require_space(target: Path, kinds: int) -> None:
    """Raise KitError if the disk cannot hold a kit for so many kinds of machine."""
    cuda = any(name.startswith("nvidia-") for name in installed_versions())
    needed = PACKAGES_MB * kinds + OTHERS_MB + (CUDA_MB if cuda else 0)
    there = sum(path.stat().st_size for path in kit_files(target)) / 1e6
    free = shutil.disk_usage(target).free / 1e6
    if there + free < needed:
        raise KitError(
            f"{target} has {free:.0f} MB free, and the folder takes about {needed - there:.0f} MB "
            "more: make room there, or choose another place with TO=/path."
        )


def manifest_of(kit: Path, entries: list[dict]) -> dict:
    """What a kit holds: every file with its size and sha256, and for which machines."""
    files = {
        path.relative_to(kit).as_posix(): [path.stat().st_size, room_install.sha256_of(path)]
        for path in kit_files(kit)
    }
    return {"files": files, "machines": entries}


def entry_of(machine: Machine, wheels: set[Path], missing: list[str]) -> dict:
    """What the manifest says of one kind of machine, with the room that the course takes there."""
    unpacked = 0
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            unpacked += sum(one.file_size for one in archive.infolist())
    images = sum(size for files in FILES.values() for size, _ in files.values())
    return {
        "system": machine.system,
        "machine": machine.machine,
        "python": machine.python,
        "megabytes": round(1.3 * (unpacked + images) / 1e6),  # and what Python compiles
        "missing": missing,
    }


def build(kit: Path, kinds: list[Machine], root: Path = ROOT, slides: Path | None = None) -> dict:
    """Build or complete a kit. Returns its manifest.

    Raises
    ------
    KitError, DataUnavailableError, OSError
        With what to do; what is there already is kept.
    """
    kit.mkdir(parents=True, exist_ok=True)
    require_own(kit)
    require_space(kit, len(kinds))
    (kit / room_install.MANIFEST).unlink(missing_ok=True)
    write_whole(kit / "install.py", Path(room_install.__file__).read_bytes())
    copy_course(root, kit / "course")
    print("Copying the images.", flush=True)
    copy_images(kit / "data")
    copy_slides(slides or root / "build" / "slides", kit / "slides", root / "slides")
    (kit / "wheels").mkdir(exist_ok=True)
    wheels = Wheels(kit / "wheels", installed_versions())
    course = course_wheel(wheels, kit / "course")
    # pip itself, so that what an old one cannot read does not matter
    wanted = [course, *map(Requirement, ("setuptools>=77", "pip"))]
    entries, needed = [], set()
    for machine in kinds:
        found, missing = wheels.collect(wanted, machine)
        needed |= found
        entries.append(entry_of(machine, found, missing))
    wheels.keep_only(needed)
    for name, content in room_pages.pages(kit, entries).items():
        write_whole(kit / name, content.encode("utf-8"))
    manifest = manifest_of(kit, entries)
    write_whole(kit / room_install.MANIFEST, room_pages.as_json(manifest))
    return manifest


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and build. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "room-kit")
    parser.add_argument("--platforms", nargs="*", default=[], metavar="NAME", help=str([*OTHERS]))
    parser.add_argument("--pythons", nargs="*", default=[], metavar="3.X")
    options = parser.parse_args(arguments)
    kit = options.to.expanduser().resolve()
    try:
        manifest = build(kit, machines(options.platforms, options.pythons))
    except (KitError, ImagesError) as error:
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
        lacks = f", except {', '.join(entry['missing'])}" if entry["missing"] else ""
        print(f"  packages for {room_install.described(entry)}{lacks}")
    print(f"Check a copy: python3 install.py --check. In the room: {kit / 'README.txt'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
