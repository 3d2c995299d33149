"""Trained networks that come with the course, so that nobody has to wait or download.

``zoo.load("deep-ensemble-8")`` returns a network ready to predict; ``zoo.facts`` says how it was
trained. Weights are safetensors files in ``assets/zoo``, each with its sha256 in ``manifest.json``;
``make zoo`` trains them again. None of them has seen a validation or test digit.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .registry import ARCHITECTURES

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ZooError", "build", "damaged", "facts", "load", "log", "names"]

FOLDER = Path(__file__).parents[1] / "assets" / "zoo"
VERSION = 1
FIX = "get the file again from the course's repository (git checkout course_utils/assets/zoo)"


class ZooError(RuntimeError):
    """Weights that are missing, damaged or made for something else; the message says what to do."""


def names() -> list[str]:
    """All names that `load` knows, single networks and ensembles of them."""
    manifest = _manifest()
    return [*manifest["networks"], *manifest["ensembles"]]


def facts(name: str) -> dict[str, Any]:
    """How a network was trained: architecture, epochs, seed, recipe, seconds, device, versions.

    For an ensemble of stored networks ``"members"`` lists them and the rest is the first one's.
    """
    manifest = _manifest()
    if name in manifest["networks"]:
        return {"name": name, **manifest["networks"][name]}
    if name in manifest["ensembles"]:
        members = manifest["ensembles"][name]
        return {**facts(members[0]), "name": name, "members": members}
    known = ", ".join([*manifest["networks"], *manifest["ensembles"]])
    raise ZooError(f"The zoo has no {name!r}. It has: {known}.")


def load(name: str) -> nn.Module:
    """Return a trained network in evaluation mode, on the CPU.

    Parameters
    ----------
    name : str
        One of `names`.

    Raises
    ------
    ZooError
        If the name is unknown, or a file is missing or differs from its sha256 in a single byte.
    """
    described = facts(name)
    if "members" in described:
        from torch_uncertainty.methods import deep_ensembles

        # a list of networks is combined as it is: nothing is reset, whatever the parameter's name
        return deep_ensembles([load(member) for member in described["members"]]).eval()
    model = build(described["architecture"])
    load_weights(model, FOLDER / f"{name}.safetensors", described["sha256"])
    return model.eval()


def damaged() -> list[str]:
    """Names of stored networks whose file is missing or differs from its sha256.

    Raises
    ------
    ZooError
        If the list of networks itself cannot be read.
    """

    def intact(name: str, sha256: str) -> bool:
        try:
            content = (FOLDER / f"{name}.safetensors").read_bytes()
        except OSError:
            return False
        return hashlib.sha256(content).hexdigest() == sha256

    networks = _manifest()["networks"]
    return [name for name, entry in networks.items() if not intact(name, entry["sha256"])]


def log(name: str) -> Path:
    """The CSV log of the training of one network, where the zoo keeps it (the 3-epoch ones)."""
    path = FOLDER / f"{name}.csv"
    if not path.exists():
        raise ZooError(f"The zoo keeps no training log for {name!r}.")
    return path


def load_weights(model: nn.Module, path: Path, sha256: str | None = None) -> None:
    """Fill a network with weights from a safetensors file, after checking its sha256 if given.

    Raises
    ------
    ZooError
        If the file is missing, damaged or belongs to another architecture.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load as parse

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ZooError(f"The weights {path.name} are missing: {FIX}.") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ZooError(f"The weights {path.name} differ from the recorded ones: {FIX}.")
    try:
        model.load_state_dict(parse(content))
    except SafetensorError as error:
        raise ZooError(f"{path.name} is not a safetensors file, or a damaged one.") from error
    except RuntimeError as error:
        raise ZooError(
            f"The weights {path.name} belong to another architecture than"
            f" {type(model).__name__}: they cannot be loaded into it."
        ) from error


def build(architecture: str) -> nn.Module:
    """An untrained network from its description in the manifest.

    Parameters
    ----------
    architecture : str
        ``"lenet"``, ``"deep-ensemble M"``, ``"packed ALPHA M"``, ``"mc-dropout RATE M"`` or
        ``"batch-ensemble M"``, see `course_utils.networks.registry`.

    Raises
    ------
    ZooError
        If it is none of these, or its numbers do not go together (see chapter 6 for the packed).
    """
    kind, *numbers = architecture.split() or [""]
    if kind not in ARCHITECTURES:
        raise ZooError(f"Unknown architecture {architecture!r}: update the course (git pull).")
    try:
        return ARCHITECTURES[kind](*numbers)
    except (TypeError, ValueError) as error:
        raise ZooError(f"The architecture {architecture!r} cannot be built: {error}") from error


def _manifest() -> dict[str, Any]:
    path = FOLDER / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        version = manifest["version"]
        # checked before anything else is looked at: another version may be laid out differently
        if version != VERSION:
            raise ZooError(
                f"The list of trained networks has version {version}, this package reads {VERSION}:"
                " bring package and assets to the same release (git pull, then make run)."
            )
        for network in manifest["networks"].values():
            network["architecture"], network["sha256"]
        for members in manifest["ensembles"].values():
            [manifest["networks"][member] for member in members]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ZooError(
            f"The list of trained networks, {path.name}, is unreadable: {FIX}."
        ) from error
    return manifest
