"""Install the course from a stick or from a machine in the room: `python3 install.py`.

`make room-kit` puts this file as install.py into the folder that it builds. It needs that folder,
or its address (`python3 install.py http://192.168.1.5:8000`), and the standard library. It copies
the course into your home folder and makes an environment from the packages that lie here;
afterwards neither stick nor address is needed any more.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

MANIFEST = "manifest.json"  # written last, so that without it a copy is known to be unfinished
COURSE = "when-to-trust-a-classifier"
NO_ANSWER = 15  # seconds until an address counts as gone


class RoomError(Exception):
    """What went wrong and what to do, in one sentence for the person at the keyboard."""


class Folder:
    """The kit as a folder, on a stick or a shared disk."""

    again = "put the stick in again"
    host = ""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def read(self, name: str) -> bytes:
        """Return the content of one file; raises OSError."""
        return (self.path / name).read_bytes()

    def links(self, name: str) -> str:
        """Return a folder of packages as pip finds it."""
        # An address, because pip splits what stands in an environment variable at blanks.
        return (self.path / name).as_uri()


class Address:
    """The kit as `make room-serve` serves it."""

    again = "ask the person who serves it"

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.host = urllib.parse.urlsplit(url).hostname or ""

    def __str__(self) -> str:
        return self.url

    def read(self, name: str) -> bytes:
        """Return the content of one file; raises OSError."""
        # No proxy: it would look for the room's machine elsewhere.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        address = self.url + "/" + urllib.parse.quote(name)
        try:
            with opener.open(address, timeout=NO_ANSWER) as response:
                return response.read()
        except http.client.HTTPException as error:  # the connection broke, or no such address
            raise OSError(str(error)) from error

    def links(self, name: str) -> str:
        """Return a folder of packages as pip finds it."""
        return self.url + "/" + name + "/"


def source_at(place: str) -> Folder | Address:
    """Return the kit at a folder or an address."""
    if not place.lower().startswith(("http://", "https://")):
        return Folder(Path(place).expanduser().resolve())
    try:
        return Address(place)
    except ValueError:
        raise RoomError(f"{place} is no address: type what the page in the room says.") from None


def read(source: Folder | Address, name: str) -> bytes:
    """Return the content of one file of the kit; raises RoomError with what to do."""
    try:
        return source.read(name)
    except OSError as error:
        raise RoomError(
            f"{name} cannot be read from {source} ({getattr(error, 'strerror', None) or error}): "
            f"{source.again}, then run the same command again."
        ) from None


def read_manifest(source: Folder | Address) -> dict:
    """Return what the kit holds.

    Raises
    ------
    RoomError
        There is no kit, or only an unfinished copy of one.
    """
    if isinstance(source, Folder) and not (source.path / MANIFEST).exists():
        raise RoomError(
            f"{source} has no {MANIFEST}, so it is no finished copy of the course: copy the whole "
            "folder again, then run the same command."
        )
    try:
        manifest = json.loads(read(source, MANIFEST).decode("utf-8"))
        return {"files": dict(manifest["files"]), "machines": list(manifest["machines"])}
    except (ValueError, KeyError, TypeError):
        raise RoomError(
            f"What {source} gives as {MANIFEST} is something else, as from a half-made copy or a "
            "network that wants a log-in: copy the folder again, or log in first."
        ) from None


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, which may be larger than the memory."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def problems(folder: Path, files: dict, thorough: bool) -> list[str]:
    """Return one line for each file of a copy that is missing, of another size, or damaged.

    Parameters
    ----------
    files
        Name -> [bytes, sha256], from the manifest.
    thorough
        Whether to read every file; otherwise only sizes are compared.
    """
    found = []
    for name, (size, sha256) in sorted(files.items()):
        path = folder / name
        try:
            there = path.stat().st_size
            if there != size:
                found.append(f"{name} has {there} of {size} bytes")
            elif thorough and sha256_of(path) != sha256:
                found.append(f"{name} is damaged")
        except FileNotFoundError:
            found.append(f"{name} is missing")
        except OSError as error:
            found.append(f"{name} cannot be read ({error.strerror or error})")
    return found


def require_complete(source: Folder | Address, files: dict, thorough: bool = False) -> None:
    """Raise RoomError if a folder lacks something; an address is asked file by file later."""
    found = problems(source.path, files, thorough) if isinstance(source, Folder) else []
    if found:
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        raise RoomError(
            f"{source} is not complete: {'; '.join(found[:3])}{more}. Put the stick in again; if "
            "that does not help, copy the whole folder again."
        )


def described(entry: dict) -> str:
    """Return a kind of machine, in words."""
    system = "macOS" if entry["system"] == "Darwin" else entry["system"]
    return f"{system} ({entry['machine']}) with Python {entry['python']}"


def choose(machines: list) -> tuple[str, dict]:
    """Return an interpreter that there are packages for, and its entry in the manifest.

    Raises
    ------
    RoomError
        There are none for this kind of machine, or no fitting Python is installed.
    """
    this = ".".join(map(str, sys.version_info[:2]))
    here = {"system": platform.system(), "machine": platform.machine(), "python": this}
    fitting = {
        entry["python"]: entry
        for entry in machines
        if entry["system"] == here["system"] and entry["machine"].lower() == here["machine"].lower()
    }
    if not fitting:
        raise RoomError(
            f"There are packages for {'; '.join(map(described, machines))}, but this is "
            f"{described(here)}: ask for a folder that was built for it, too (make room-kit "
            "PLATFORMS=...)."
        )
    if this in fitting:
        return sys.executable, fitting[this]
    for python, entry in fitting.items():
        found = interpreter(python)
        if found:
            return found, entry
    wanted = " or ".join(fitting)
    raise RoomError(
        f"There are packages for Python {wanted}, but this is Python {this} and there is no other: "
        f"install Python {wanted}, then run the same command again."
    )


def interpreter(version: str) -> str | None:
    """Return the interpreter of a version, if there is one that runs."""
    ways = [["python" + version], ["py", "-" + version]]  # py: Windows has no python3.12 on PATH
    for way in ways:
        if shutil.which(way[0]):
            command = [*way, "-c", "import sys; print(sys.executable)"]
            answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if answer.returncode == 0:
                return answer.stdout.decode().strip()
    return None


def require_space(target: Path, megabytes: int) -> None:
    """Raise RoomError if the disk of `target` has less room than the installation needs."""
    place = next(folder for folder in (target, *target.parents) if folder.exists())
    free = shutil.disk_usage(str(place)).free / 1e6
    if free < megabytes:
        raise RoomError(
            f"{place} has {free:.0f} MB free, and the course needs {megabytes} MB: make room "
            "there, or choose another place with --to FOLDER."
        )


def copy_course(source: Folder | Address, files: dict, target: Path) -> None:
    """Bring what lies in course/ to `target`; everything else there stays as it is."""
    for name, (_, sha256) in sorted(files.items()):
        path = target / name[len("course/") :]
        if not name.startswith("course/") or (path.exists() and sha256_of(path) == sha256):
            continue
        content = read(source, name)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise RoomError(
                f"{name} came damaged from {source}: copy the folder again, or ask the person who "
                "serves it to run install.py --check."
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name("." + path.name + ".part")
            partial.write_bytes(content)
            os.replace(str(partial), str(path))
        except OSError as error:
            raise RoomError(
                f"The course cannot be written to {target} ({error.strerror or error}): make room "
                "there, or choose another place with --to FOLDER."
            ) from None


def pip_settings(source: Folder | Address, wheels: str) -> dict:
    """Return an environment in which pip asks this kit and nobody else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    kept.update(
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=source.links(wheels),
        PIP_DISABLE_PIP_VERSION_CHECK="1",
    )
    if source.host:
        kept["PIP_TRUSTED_HOST"] = kept["NO_PROXY"] = kept["no_proxy"] = source.host
    return kept


def install(source: Folder | Address, target: Path) -> None:
    """Copy the course and make its environment.

    Raises
    ------
    RoomError
        With the sentence that says what to do.
    """
    manifest = read_manifest(source)
    require_complete(source, manifest["files"])
    python, entry = choose(manifest["machines"])
    if not (target / ".venv" / "course.json").exists():
        require_space(target, entry["megabytes"])
    print(f"Copying the course to {target}.", flush=True)
    copy_course(source, manifest["files"], target)
    command = [python, str(target / "tools" / "learner" / "install.py"), "lab"]
    # It says itself what went wrong; perhaps the stick is to blame.
    if subprocess.run(command, env=pip_settings(source, entry["wheels"])).returncode != 0:
        require_complete(source, manifest["files"])
        raise RoomError("The course is not installed yet: see above, then run this again.")
    made = Path(".venv", "Scripts", "python.exe") if os.name == "nt" else Path(".venv/bin/python")
    print("Installed; from now on nothing else is needed. To open the course:")
    print(f'  cd "{target}"')
    print(f"  {made} -m tools.learner.lab", flush=True)


def main(arguments: list | None = None) -> int:
    """Install, or check a copy. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Install the course from this folder.")
    parser.add_argument(
        "source", nargs="?", default=str(Path(__file__).resolve().parent), help="folder or address"
    )
    parser.add_argument("--to", default=str(Path.home() / COURSE), help="where to put the course")
    parser.add_argument("--check", action="store_true", help="only see whether this copy is whole")
    options = parser.parse_args(arguments)
    try:
        source = source_at(options.source)
        if not options.check:
            install(source, Path(options.to).expanduser().resolve())
            return 0
        files = read_manifest(source)["files"]
        require_complete(source, files, thorough=True)
        size = sum(size for size, _ in files.values()) / 1e6
        print(f"Complete: {len(files)} files, {size:.0f} MB.")
    except RoomError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: the same command goes on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
