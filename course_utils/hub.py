"""The eight LeNets of torch-uncertainty's own tutorial, from the Hugging Face hub.

They were trained for 75 epochs on all 60,000 training digits, the validation digits among them:
evaluate them on MNIST's test digits only.

The download runs in a process of its own. huggingface_hub reads its time-outs once, when it is
imported, and torch-uncertainty has imported it long before; and a process can be stopped for good
when a network accepts the connection and then says nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from . import _checkpoints
from .data import data_dir

__all__ = ["FILE_NAMES", "REPOSITORY", "HubError", "checkpoints", "read_checkpoint"]

REPOSITORY = "ENSTA-U2IS/tutorial-models"
FILE_NAMES = tuple(f"version_{index}.ckpt" for index in range(8))
ANSWER_TIMEOUT = 5  # seconds the hub has to answer one request
TOTAL_TIMEOUT = 40.0  # seconds for all files together; they are about a megabyte and a half

# What the process runs. It prints one JSON line: null, or what went wrong. huggingface_hub asks a
# second time with a time-out of 60 s, and then up to five times more with growing waits. Here the
# second time is as short as the first, and is the last.
_DOWNLOAD = """
import json, logging, re, sys

class NoSecondTry(logging.Handler):
    def emit(self, record):
        if "thrown while requesting" in record.getMessage():
            raise RuntimeError(record.getMessage())

repository, folder, timeout, *names = sys.argv[1:]
problem = None
try:
    from huggingface_hub import file_download, hf_hub_download
    file_download._ETAG_RETRY_TIMEOUT = float(timeout)
    logging.getLogger("huggingface_hub").addHandler(NoSecondTry())
    for name in names:
        hf_hub_download(
            repository, name, local_dir=folder, etag_timeout=float(timeout), token=False
        )
except Exception as error:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    status = [getattr(getattr(one, "response", None), "status_code", None) for one in chain]
    status += map(int, re.findall("HTTP Error ([0-9]{3})", str(error)))
    problem = {"kinds": [type(one).__name__ for one in chain], "status": status}
print(json.dumps(problem))
"""


class HubError(RuntimeError):
    """The tutorial's weights cannot be had, or are not what they should be; says why."""


def checkpoints(folder: Path | str | None = None) -> list[Path]:
    """The eight checkpoint files, downloaded if they are not yet there, each one checked.

    The first file that fails ends all tries; what has arrived is kept for the next call.

    Parameters
    ----------
    folder : Path or str, optional
        Where to keep them; by default a folder beside the course's images.

    Raises
    ------
    HubError
        If the hub cannot be reached or refuses, or a file is damaged or not a LeNet of this course.
    """
    folder = data_dir() / "tutorial-models" if folder is None else Path(folder)
    missing = [name for name in FILE_NAMES if not (folder / name).is_file()]
    if missing:
        _download(folder, missing)
    paths = [folder / name for name in FILE_NAMES]
    for path in paths:
        read_checkpoint(path)
    return paths


def read_checkpoint(path: Path | str) -> dict:
    """The weights of one LeNet from a checkpoint of torch-uncertainty, named as in our LeNet.

    Lightning saves the whole routine, in which the network is called ``model``; that prefix is
    dropped. Files that would run code when they are opened are refused.

    Raises
    ------
    HubError
        If the file is missing, damaged, holds anything but weights, or another architecture.
    """
    import torch

    from .models import LeNet

    path = Path(path)
    again = f"delete {path} to have it downloaded again"
    try:
        content = _checkpoints.read_checkpoint(path)
    except FileNotFoundError:
        raise HubError(f"There is no checkpoint {path}.") from None
    except PermissionError:
        raise HubError(f"The checkpoint {path} cannot be read: no permission.") from None
    except (OSError, ValueError) as error:
        raise HubError(
            f"{path.name} is damaged or holds more than weights, and was not opened: {again}."
        ) from error
    foreign = HubError(f"{path.name} does not hold the weights of this course's LeNet: {again}.")
    state = content.get("state_dict", content)
    if not isinstance(state, dict):
        raise foreign
    weights = {
        key.removeprefix("model."): value
        for key, value in state.items()
        if isinstance(key, str) and key.startswith("model.")
    }
    expected = LeNet().state_dict()
    fits = weights.keys() == expected.keys() and all(
        isinstance(value, torch.Tensor) and value.shape == expected[key].shape
        for key, value in weights.items()
    )
    if not fits:
        raise foreign
    if not all(value.isfinite().all() for value in weights.values()):
        raise HubError(f"{path.name} holds weights that are not finite numbers: {again}.")
    return weights


def _download(folder: Path, names: list[str]) -> None:
    environment = {
        **os.environ,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_XET": "1",  # a second protocol with time-outs of its own, for large files
        "HF_HUB_ETAG_TIMEOUT": str(ANSWER_TIMEOUT),
        "HF_HUB_DOWNLOAD_TIMEOUT": str(ANSWER_TIMEOUT),
    }
    arguments = [REPOSITORY, str(folder), str(ANSWER_TIMEOUT), *names]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HubError(
            f"{folder} cannot be written ({error.strerror}): set COURSE_DATA_DIR to another folder."
        ) from None
    try:
        process = subprocess.run(
            [sys.executable, "-c", _DOWNLOAD, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=TOTAL_TIMEOUT,
        )
        problem = json.loads(process.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise HubError(
            f"The Hugging Face hub did not send the weights within {TOTAL_TIMEOUT:.0f} s."
        ) from None
    except (IndexError, ValueError):
        raise HubError("The download from the Hugging Face hub ended without an answer.") from None
    if problem is not None:
        raise HubError(_sentence(problem["kinds"], problem["status"]))


def _sentence(kinds: list[str], statuses: list[int | None]) -> str:
    status = next((status for status in statuses if status is not None), None)
    if status == 429:
        return (
            "The Hugging Face hub sends no more files to this address for now (HTTP 429): a room"
            " full of people shares one limit."
        )
    if status is not None and status >= 400:
        return f"The Hugging Face hub refused the weights (HTTP {status})."
    if "FileMetadataError" in kinds:
        return "Something answers in place of the Hugging Face hub, perhaps a login page."
    if any("Timeout" in kind for kind in kinds):
        return f"The Hugging Face hub did not answer within {ANSWER_TIMEOUT} s."
    if any("Offline" in kind for kind in kinds):
        return "The Hugging Face hub is switched off here (HF_HUB_OFFLINE)."
    if kinds[0] in {"PermissionError", "OSError"}:
        return "The weights cannot be written: set COURSE_DATA_DIR to a folder with room."
    return "The Hugging Face hub cannot be reached."
