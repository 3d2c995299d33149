"""The original files of MNIST and Fashion-MNIST: found, fetched, verified and kept.

`original_files` is the one way in. For every file that is missing or damaged it tries the course's
data folder, the mirror of the room, and the addresses torchvision knows. Whatever comes back is
compared with a known sha256 before anybody sees it, and written in one step, so that a half-written
file never counts.

torchvision's own download is not used because it sets no time-out: behind a network that accepts
connections and never answers, a notebook would hang for ever.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ._atomic import remove_leftovers, write_whole

CONNECT_TIMEOUT = 5.0  # seconds until a server must have accepted the connection
STALL_TIMEOUT = 15.0  # seconds without progress until a transfer is given up
NETWORK_PATIENCE = 40.0  # seconds that all failing attempts of this process may cost together
LOCK_PATIENCE = 120.0  # seconds to wait for another process that is fetching the same files
MINIMUM_PROGRESS = (
    16 * 1024
)  # bytes that count as progress; a server dripping single bytes makes none

# File (in torchvision's layout, decompressed) -> its size in bytes and the sha256 of its content.
# The small files come first: a way that leads nowhere is noticed before megabytes were moved.
FILES: dict[str, dict[str, tuple[int, str]]] = {
    "MNIST": {
        "t10k-labels-idx1-ubyte": (
            10_008,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        "train-labels-idx1-ubyte": (
            60_008,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        "t10k-images-idx3-ubyte": (
            7_840_016,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        "train-images-idx3-ubyte": (
            47_040_016,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
    },
    "FashionMNIST": {
        "t10k-labels-idx1-ubyte": (
            10_008,
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        "train-labels-idx1-ubyte": (
            60_008,
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        "t10k-images-idx3-ubyte": (
            7_840_016,
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        "train-images-idx3-ubyte": (
            47_040_016,
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
    },
}


class DataUnavailableError(RuntimeError):
    """The images that were asked for cannot be had; the message says why and what to do."""


class _Unavailable(Exception):
    """One way did not lead to one file; the message is the reason."""


class _NoAnswer(_Unavailable):
    """A server that cannot be reached at all: not worth asking again in this process."""


# What this process has learned. A network that failed once is not waited for again.
_unreachable: dict[str, str] = {}  # server -> reason
_failed: dict[tuple[str, Path, str], str] = {}  # (data set, folder, mirror) -> reasons
_seconds_lost = 0.0
_kept_in_memory: dict[tuple[str, str], bytes] = {}  # what a folder did not take
_refused: set[tuple[Path, str, str]] = set()  # (folder, data set, file): tried once
_said: set[str] = set()


def forget_failures() -> None:
    """Forget what did not answer or could not be written, so that the next load tries it again."""
    global _seconds_lost
    _unreachable.clear()
    _failed.clear()
    _refused.clear()
    _said.clear()
    _seconds_lost = 0.0


def say_once(sentence: str, topic: str = "") -> None:
    """Print a sentence the first time this process has reason to; of one topic only the first."""
    if (topic or sentence) not in _said:
        _said.add(topic or sentence)
        print(sentence, flush=True)


def data_dir() -> Path:
    """The folder of the data sets: ``COURSE_DATA_DIR``, else a folder in the user's cache."""
    chosen = os.environ.get("COURSE_DATA_DIR", "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("when-to-trust-a-classifier", appauthor=False)


def original_files(dataset: str) -> dict[str, bytes]:
    """The four original files of one data set, decompressed and verified.

    Parameters
    ----------
    dataset : {"MNIST", "FashionMNIST"}

    Returns
    -------
    dict
        File name (without folder, without ``.gz``) -> content.

    Raises
    ------
    DataUnavailableError
        If one of the files is missing or damaged and no way leads to an intact one.
    """
    global _seconds_lost
    folder = data_dir()
    contents = _intact_files(folder, dataset)
    if len(contents) == len(FILES[dataset]):
        return contents
    mirror = _mirror()
    attempt = (dataset, folder, mirror)
    if attempt in _failed:
        raise DataUnavailableError(_failed[attempt])
    with _one_process_at_a_time(folder, dataset) as (locked, waited):
        contents = _intact_files(folder, dataset)  # another process may have been faster
        if len(contents) < len(FILES[dataset]):
            # The other one failed, so its waiting counts as ours: a dead network costs once.
            _seconds_lost += waited
        if locked:
            remove_leftovers(folder / dataset / "raw", ".*.part")
        for name in FILES[dataset]:
            if name in contents:
                continue
            try:
                # Lazily, so that torchvision is imported only when its addresses are needed.
                ways = _ways(dataset, folder, mirror)
                contents[name] = _kept_in_memory.get((dataset, name)) or _first_that_works(
                    ways, dataset, name
                )
            except _Unavailable as error:
                _failed[attempt] = str(error)
                raise DataUnavailableError(str(error)) from None
            _keep(folder, dataset, name, contents[name])
    return contents


def intact_folder(dataset: str) -> Path:
    """The folder on this machine whose four files of a data set are all intact.

    Looks into the data folder, then into the mirror if that is a folder. Nothing is fetched, copied
    or repaired, and no network is asked.

    Raises
    ------
    DataUnavailableError
        If there is none; the message says what is wrong with each folder.
    """
    mirror = _mirror()
    folders = [data_dir()]
    if mirror and not _is_address(mirror):
        folders.append(Path(mirror).expanduser().absolute())
    reasons = []
    for folder in folders:
        trouble = trouble_in(folder, dataset)
        if not trouble:
            return folder
        reasons.append(f"{folder}: {trouble}")
    raise DataUnavailableError("; ".join(reasons))


def trouble_in(folder: Path, dataset: str) -> str:
    """What is wrong with the four files of a data set in a folder; nothing if all are intact."""
    try:
        for name in FILES[dataset]:
            _from_folder(folder, dataset, name)
    except _Unavailable as error:
        return str(error)
    return ""


def _mirror() -> str:
    return os.environ.get("COURSE_DATA_MIRROR", "").strip()


def _is_address(mirror: str) -> bool:
    return mirror.lower().startswith(("http://", "https://"))


def _intact_files(folder: Path, dataset: str) -> dict[str, bytes]:
    """The files of a data set that are decompressed and intact in the folder.

    And those in memory that the folder did not take.
    """
    contents = {}
    for name in FILES[dataset]:
        if (folder, dataset, name) in _refused:
            contents[name] = _kept_in_memory[dataset, name]
            continue
        path = folder / dataset / "raw" / name
        try:
            contents[name] = verified(path.read_bytes(), dataset, name)
        except OSError:
            continue
        except _Unavailable as error:
            say_once(f"{path} is damaged ({error}): it is fetched again.")
    return contents


def verified(content: bytes, dataset: str, name: str) -> bytes:
    """Decompress if need be and compare with the known sha256.

    Raises
    ------
    _Unavailable
        If it is not the expected content; the message says what it looks like instead.
    """
    size, sha256 = FILES[dataset][name]
    compressed = content[:2] == b"\x1f\x8b"
    if compressed:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            unpacked = unpacker.decompress(content, size + 1)
        except zlib.error as error:
            raise _Unavailable(f"not a readable gzip file: {error}") from None
        if len(unpacked) < size and not unpacker.eof:
            raise _Unavailable("the file is truncated")
        content = unpacked
    if hashlib.sha256(content).hexdigest() == sha256:
        return content
    start = content[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        raise _Unavailable("a web page instead of the file, as from a network that wants a log-in")
    if len(content) < size:
        raise _Unavailable(f"the file is truncated: {len(content):,} of {size:,} bytes")
    raise _Unavailable("the content is not the expected one (sha256 differs)")


# --- the ways -----------------------------------------------------------------------------------

_Way = tuple[str, Callable[[str, str], bytes]]  # label, (dataset, file name) -> content as served


def _ways(dataset: str, folder: Path, mirror: str) -> Iterator[_Way]:
    # A gzipped file in the data folder: a copied mirror, or torchvision stopped while unpacking.
    yield str(folder), lambda dataset, name: _from_folder(folder, dataset, name)
    if _is_address(mirror):
        yield mirror, lambda dataset, name: _from_url_mirror(mirror, dataset, name)
    elif mirror:
        place = Path(mirror).expanduser().absolute()
        yield str(place), lambda dataset, name: _from_folder(place, dataset, name)
    for base in _torchvision_mirrors(dataset):
        server = urlsplit(base).netloc
        yield server, lambda dataset, name, base=base: _download(f"{base}{name}.gz")


def _torchvision_mirrors(dataset: str) -> list[str]:
    try:
        from torchvision import datasets
    except ImportError:
        return []
    return list(getattr(datasets, dataset).mirrors)


def _from_folder(folder: Path, dataset: str, name: str) -> bytes:
    if not folder.is_dir():
        raise _Unavailable("there is no such folder")
    problem = f"{dataset}/raw/{name}.gz is not there"
    for file_name in (name, f"{name}.gz"):
        try:
            return verified((folder / dataset / "raw" / file_name).read_bytes(), dataset, name)
        except FileNotFoundError:
            continue
        except OSError as error:
            problem = f"{dataset}/raw/{file_name} cannot be read ({error.strerror})"
        except _Unavailable as error:
            problem = f"{dataset}/raw/{file_name}: {error}"
    raise _Unavailable(problem)


def _from_url_mirror(mirror: str, dataset: str, name: str) -> bytes:
    address = f"{mirror.rstrip('/')}/{dataset}/raw/{name}"
    try:
        return _download(f"{address}.gz")
    except _NotFound:
        return _download(address)


def _first_that_works(ways: Iterator[_Way], dataset: str, name: str) -> bytes:
    reasons = []
    for label, read in ways:
        try:
            content = verified(read(dataset, name), dataset, name)
        except _Unavailable as error:
            reasons.append(f"{label}: {error}")
        else:
            # That the folder (the first way) lacks the file is no news; a useless mirror is.
            for reason in reasons[1:]:
                say_once(f"Passed over for {dataset}: {reason}.")
            return content
    raise _Unavailable("; ".join(reasons))


# --- the network --------------------------------------------------------------------------------


class _NotFound(_Unavailable):
    """The server answers, and has no such file."""


def _download(url: str) -> bytes:
    """The body behind one address, within the time-outs; raises `_Unavailable` with the reason."""
    global _seconds_lost
    server = "://".join(urlsplit(url)[:2])
    if server in _unreachable:
        raise _NoAnswer(_unreachable[server])
    patience = NETWORK_PATIENCE - _seconds_lost
    if patience <= 0:
        raise _NoAnswer(f"not tried, after {_seconds_lost:.0f} s of waiting for other servers")
    started = time.monotonic()
    try:
        return _Transfer(url).result(patience)
    except _Unavailable as error:
        _seconds_lost += time.monotonic() - started
        if isinstance(error, _NoAnswer):
            _unreachable[server] = str(error)
        raise


class _Transfer(threading.Thread):
    """One download in a thread of its own, watched from outside.

    Only a watcher can bound everything: looking up a name, several addresses of one server, and
    headers that never end know no time-out of their own. A transfer given up ends by itself at its
    next byte or time-out.
    """

    def __init__(self, url: str) -> None:
        super().__init__(name=f"download of {url}", daemon=True)
        self.url = url
        self.chunks: list[bytes] = []
        self.received = 0
        self.connected = threading.Event()
        self.finished = threading.Event()
        self.abandoned = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            request = urllib.request.Request(self.url, headers={"User-Agent": "course-utils"})
            opener = urllib.request.build_opener(*_handlers(self.connected))
            with opener.open(request, timeout=STALL_TIMEOUT) as response:
                while not self.abandoned.is_set() and (chunk := response.read1(1 << 16)):
                    self.chunks.append(chunk)
                    self.received += len(chunk)
                    if self.received > 1 << 26:  # the largest file has 47 MB
                        raise _Unavailable("the file is far too large")
        except Exception as error:
            self.error = error
        finally:
            self.finished.set()
            self.connected.set()

    def result(self, patience: float) -> bytes:
        """Start, wait as long as there is progress, and return the body."""
        self.start()
        try:
            self._watch(patience)
        finally:
            self.abandoned.set()
        if self.error is not None:
            raise _reason(self.error) from None
        return b"".join(self.chunks)

    def _watch(self, patience: float) -> None:
        limit = min(CONNECT_TIMEOUT, patience)
        if not self.connected.wait(limit):
            raise _NoAnswer(f"no connection within {limit:.3g} s")
        limit = min(STALL_TIMEOUT, patience)
        seen, last_progress = 0, time.monotonic()
        while not self.finished.wait(min(0.1, limit / 10)):
            now = time.monotonic()
            if self.received - seen >= MINIMUM_PROGRESS:
                seen, last_progress = self.received, now
                say_once(f"Fetching images from {urlsplit(self.url).netloc} ...")
            elif now - last_progress > limit:
                raise _NoAnswer(f"no progress for {limit:.3g} s")


def _handlers(connected: threading.Event) -> list[urllib.request.BaseHandler]:
    """urllib's own handlers, proxies and redirections included, that tell when they connect."""

    class PlainConnection(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            connected.set()

    class SecureConnection(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            connected.set()

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, request):
            return self.do_open(PlainConnection, request)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, request):
            context = ssl.create_default_context()
            return self.do_open(SecureConnection, request, context=context)

    return [PlainHandler(), SecureHandler()]


def _reason(error: Exception) -> _Unavailable:
    """Turn what the network libraries raise into one short reason."""
    if isinstance(error, _Unavailable):
        return error
    if isinstance(error, urllib.error.HTTPError):
        kind = _NotFound if error.code in (404, 410) else _Unavailable
        return kind(f"the server answers {error.code} {error.reason}")
    if isinstance(error, urllib.error.URLError):
        if isinstance(error.reason, socket.gaierror):
            return _NoAnswer("the name is not known (no network?)")
        return _NoAnswer(f"no connection ({error.reason})")
    if isinstance(error, TimeoutError):
        return _NoAnswer(f"no progress for {STALL_TIMEOUT:.3g} s")
    if isinstance(error, (OSError, http.client.HTTPException)):
        return _Unavailable(f"the transfer broke off ({type(error).__name__})")
    return _Unavailable(f"the address cannot be used ({error})")


# --- the folder ---------------------------------------------------------------------------------


def _keep(folder: Path, dataset: str, name: str, content: bytes) -> None:
    """Write one file in one step; where that fails, keep it in memory and say so."""
    try:
        write_whole(folder / dataset / "raw" / name, content)
    except OSError as error:
        _kept_in_memory[dataset, name] = content
        _refused.add((folder, dataset, name))
        say_once(
            f"{folder} cannot be written ({error.strerror or error}): the images stay in memory "
            "for now; set COURSE_DATA_DIR to a folder with 120 MB of space to keep them."
        )


@contextmanager
def _one_process_at_a_time(folder: Path, dataset: str) -> Iterator[tuple[bool, float]]:
    """Hold the lock of one data set, if there can be one.

    Yields whether it is held, and the seconds until another process let go of it. Writing is
    atomic, so going on without a lock is safe: at worst the files are fetched twice.
    """
    import filelock

    lock = filelock.FileLock(folder / f".{dataset}.lock")
    started, waited = time.monotonic(), 0.0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            say_once(f"Another process is fetching {dataset}: waiting for it.")
            lock.acquire(timeout=LOCK_PATIENCE)
            waited = time.monotonic() - started
    except (OSError, NotImplementedError):  # filelock.Timeout is an OSError
        pass
    try:
        yield lock.is_locked, waited
    finally:
        lock.release()
