"""What a model said about some images: the one thing that passes from torch to NumPy.

Everything to the right of :class:`Predictions` (scores, curves, figures, widgets) works on the
member logits and the labels alone, so it needs no deep-learning library and no GPU.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils._support.atomic import write_whole

FILE_FORMAT = "course_utils.metrics.predictions/1"


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Predictions:
    """Outputs of all members of a classifier on N images, with the labels if they are known.

    Parameters
    ----------
    logits : array of float, shape [N, M, C]
        Outputs before the softmax: N images, M members (1 for a single model), C classes.
        Kept as float32. None only in what :meth:`from_probabilities` builds.
    labels : array of int, shape [N], optional
        True classes, 0 to C - 1. Kept as int64.

    Raises
    ------
    ValueError
        If a shape, a length or a label does not fit, or a value is NaN or infinite.

    Notes
    -----
    The arrays are read-only copies: what is derived from them is computed once and kept, so
    changing them afterwards would make the object contradict itself.
    """

    logits: NDArray[np.float32] | None = None
    labels: NDArray[np.int64] | None = None
    given_probabilities: NDArray[np.float64] | None = None

    def __init__(
        self,
        logits: ArrayLike | None,
        labels: ArrayLike | None = None,
        *,
        given_probabilities: ArrayLike | None = None,
    ) -> None:
        if logits is not None and given_probabilities is None:
            outputs = _checked_outputs(logits, np.float32, "logits")
            object.__setattr__(self, "logits", outputs)
        elif given_probabilities is not None and logits is None:
            outputs = _checked_probabilities(given_probabilities)
            object.__setattr__(self, "given_probabilities", outputs)
        else:
            raise ValueError(
                "Give logits, or use Predictions.from_probabilities for a model without logits."
            )
        if labels is not None:
            num_images, _, num_classes = outputs.shape
            labels = _checked_labels(labels, num_images, num_classes)
            object.__setattr__(self, "labels", labels)

    # Other ways in

    @classmethod
    def from_probabilities(
        cls, probabilities: ArrayLike, labels: ArrayLike | None = None
    ) -> Predictions:
        """Wrap the probabilities of a model whose logits are not known.

        Parameters
        ----------
        probabilities : array of float, shape [N, M, C], or [N, C] for a single model
            Each row must sum to 1 within 0.001 (half precision is that coarse); rounding above
            1e-12 is divided out in float64.
        labels : array of int, shape [N], optional

        Returns
        -------
        Predictions
            With ``logits`` None: scores that need logits (energy, max logit) raise.
        """
        probabilities = np.asarray(probabilities)
        if probabilities.ndim == 2:  # what predict_proba of scikit-learn returns
            probabilities = probabilities[:, np.newaxis, :]
        return cls(None, labels, given_probabilities=probabilities)

    @classmethod
    def from_stacked(
        cls, outputs: ArrayLike, num_members: int, labels: ArrayLike | None = None
    ) -> Predictions:
        """Sort the output of a torch-uncertainty ensemble by image.

        Its ensembles stack the members along the batch, member after member: ``(m b) c``. A
        plain ``reshape(b, m, c)`` mixes images and members without any error.

        Parameters
        ----------
        outputs : array of float, shape [M * N, C]
            Logits of one forward pass over N images. Outputs of several passes must be sorted
            one by one, since each is ordered for itself.
        num_members : int
            M, the number of members (estimators).
        labels : array of int, shape [N], optional
        """
        outputs = np.asarray(outputs)
        if outputs.ndim != 2:
            raise ValueError(
                f"Stacked outputs need the shape [members * images, classes], got {outputs.shape}."
            )
        if isinstance(num_members, bool) or not isinstance(num_members, (int, np.integer)):
            raise ValueError(f"The number of members must be an integer, got {num_members!r}.")
        if num_members < 1:
            raise ValueError(f"The number of members must be at least 1, got {num_members}.")
        if len(outputs) % num_members:
            raise ValueError(
                f"{num_members} members do not divide {len(outputs)} rows of output: "
                "give the number of members that the model was built with."
            )
        num_images = len(outputs) // num_members
        by_member = outputs.reshape(num_members, num_images, outputs.shape[1])
        return cls(by_member.transpose(1, 0, 2), labels)

    @classmethod
    def combine(cls, parts: Sequence[Predictions]) -> Predictions:
        """Put the members of several predictions for the same images into one ensemble.

        Parameters
        ----------
        parts : sequence of Predictions
            Each for the same N images in the same order and the same C classes.

        Returns
        -------
        Predictions
            All members, in the order given. If one part has no logits the result has none.

        Raises
        ------
        ValueError
            If numbers of images or classes, or labels, differ.
        """
        parts = list(parts)
        if not parts:
            raise ValueError("Nothing to combine: give at least one Predictions.")
        sizes = {(len(part), part.num_classes) for part in parts}
        if len(sizes) > 1:
            described = ", ".join(f"{n} images of {c} classes" for n, c in sorted(sizes))
            raise ValueError(f"Only predictions for the same images combine, got {described}.")
        labelled = [part.labels for part in parts if part.labels is not None]
        if any(not np.array_equal(labels, labelled[0]) for labels in labelled[1:]):
            raise ValueError(
                "The labels of the parts differ: predict the same images in the same order."
            )
        labels = labelled[0] if labelled else None
        if all(part.logits is not None for part in parts):
            return cls(np.concatenate([part.logits for part in parts], axis=1), labels)
        together = np.concatenate([part.probabilities for part in parts], axis=1)
        return cls.from_probabilities(together, labels)

    # Sizes

    @property
    def _outputs(self) -> NDArray[np.floating]:
        outputs = self.given_probabilities if self.logits is None else self.logits
        assert outputs is not None  # one of the two is always there
        return outputs

    def __len__(self) -> int:
        return self._outputs.shape[0]

    @property
    def num_members(self) -> int:
        """M, the number of members; 1 for a single model."""
        return self._outputs.shape[1]

    @property
    def num_classes(self) -> int:
        """C, the number of classes."""
        return self._outputs.shape[2]

    def __repr__(self) -> str:
        known = "without labels" if self.labels is None else "with labels"
        kind = "probabilities" if self.logits is None else "logits"
        return (
            f"Predictions({kind} of {self.num_members} members for {len(self)} images, "
            f"{self.num_classes} classes, {known})"
        )

    # What follows from the outputs

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Class probabilities of each member, shape [N, M, C].

        The softmax runs in float64. In float32 the largest probability of many images is
        exactly 1, all these images tie, and their ranking is lost.
        """
        if self.given_probabilities is not None:
            return self.given_probabilities
        shifted = self._outputs.astype(np.float64)
        shifted -= shifted.max(axis=-1, keepdims=True)  # exp cannot overflow
        np.exp(shifted, out=shifted)
        shifted /= shifted.sum(axis=-1, keepdims=True)
        return _read_only(shifted)

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """Probabilities averaged over the members, shape [N, C]: the ensemble's answer.

        Deep Ensembles average probabilities, not logits (Lakshminarayanan et al. 2017,
        arXiv:1612.01474, section 2.4).
        """
        return _read_only(self.probabilities.mean(axis=1))

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Most probable class of the mean, shape [N]; the lower class at equal probability."""
        return _read_only(self.mean.argmax(axis=-1).astype(np.int64))

    @cached_property
    def member_predicted(self) -> NDArray[np.int64]:
        """Most probable class of each member, shape [N, M]."""
        return _read_only(self._outputs.argmax(axis=-1).astype(np.int64))

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the ensemble's class is the label, shape [N].

        Raises
        ------
        ValueError
            If there are no labels.
        """
        if self.labels is None:
            raise ValueError(
                "These predictions have no labels, so right and wrong are not known: "
                "give labels when you build them."
            )
        return _read_only(self.predicted == self.labels)

    # Parts

    def subset(self, members: int | slice | Sequence[int]) -> Predictions:
        """Keep some members, for all images.

        Parameters
        ----------
        members : int, slice or sequence of int
            Which members, 0 to M - 1, at least one.
        """
        chosen = _selected(members, self.num_members, "member")
        if len(chosen) == 0:
            raise ValueError("A subset needs at least one member.")
        return self._rebuilt(self._outputs[:, chosen], self.labels)

    def take(self, indices: int | slice | ArrayLike) -> Predictions:
        """Keep some images, with all members.

        Parameters
        ----------
        indices : int, slice, array of int, or boolean mask of length N
        """
        chosen = _selected(indices, len(self), "image")
        labels = None if self.labels is None else self.labels[chosen]
        return self._rebuilt(self._outputs[chosen], labels)

    def _rebuilt(self, outputs: NDArray, labels: NDArray | None) -> Predictions:
        if self.logits is None:
            return type(self).from_probabilities(outputs, labels)
        return type(self)(outputs, labels)

    # Files

    def save(self, path: str | os.PathLike) -> Path:
        """Write to an npz file without pickle; folders are made as needed.

        The file appears under its name only when it is complete: an interruption
        or a full disk leaves the previous file.

        Returns
        -------
        Path
            Where it was written: exactly the path given.
        """
        arrays: dict[str, Any] = {"format": np.array(FILE_FORMAT)}
        arrays["probabilities" if self.logits is None else "logits"] = self._outputs
        if self.labels is not None:
            arrays["labels"] = self.labels
        content = io.BytesIO()
        np.savez(content, **arrays)
        return write_whole(path, content.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike) -> Predictions:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, or is something else.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f"There are no predictions at {path}: run the chapter that writes them first."
            )
        try:
            # The checksums come first, so that no damaged header is believed.
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
            if damaged is not None:
                raise ValueError(f"checksum of {damaged}")
            with np.load(path, allow_pickle=False) as file:
                if str(file["format"]) != FILE_FORMAT:
                    raise ValueError("another format")
                labels = file.get("labels")
                if "probabilities" in file:
                    return cls.from_probabilities(file["probabilities"], labels)
                return cls(file["logits"], labels)
        except (PermissionError, MemoryError):
            raise  # the file may be fine; their own messages say what is wrong
        except Exception as error:  # zip, zlib and npy parsers fail in a dozen ways
            raise ValueError(
                f"{path} is damaged or not a predictions file: "
                "delete it and run the chapter that writes it again."
            ) from error


def _read_only(array: NDArray) -> NDArray:
    array.flags.writeable = False
    return array


def _checked_outputs(outputs: ArrayLike, dtype: type, name: str) -> NDArray:
    outputs = np.asarray(outputs)
    if outputs.dtype.kind not in "fiu":
        raise ValueError(f"The {name} must be real numbers, got an array of {outputs.dtype}.")
    if outputs.ndim != 3:
        hint = f" (a single model: {name}[:, None, :])" if outputs.ndim == 2 else ""
        raise ValueError(
            f"The {name} need the shape [images, members, classes], got {outputs.shape}{hint}."
        )
    if outputs.shape[1] < 1 or outputs.shape[2] < 2:
        raise ValueError(
            f"The {name} need at least 1 member and 2 classes, got the shape {outputs.shape}."
        )
    with np.errstate(over="ignore"):  # reported in the next lines
        outputs = np.array(outputs, dtype=dtype, order="C")
    finite = np.isfinite(outputs).all(axis=(1, 2))
    if not finite.all():
        raise ValueError(
            f"The {name} hold NaN or infinite values for {np.count_nonzero(~finite)} of "
            f"{len(finite)} images, first for image {int(finite.argmin())}: "
            "check the training, it may have diverged."
        )
    return _read_only(outputs)


def _checked_probabilities(probabilities: ArrayLike) -> NDArray[np.float64]:
    probabilities = _checked_outputs(probabilities, np.float64, "probabilities")
    totals = probabilities.sum(axis=-1, keepdims=True)
    if (probabilities < 0).any() or (np.abs(totals - 1) > 1e-3).any():
        raise ValueError(
            "The probabilities must be at least 0 and sum to 1 over the classes: "
            "give logits to Predictions(logits, labels) instead, or normalise first."
        )
    # Rows that are as good as float64 gets stay to the last bit, also when saved and loaded.
    return _read_only(np.where(np.abs(totals - 1) > 1e-12, probabilities / totals, probabilities))


def _checked_labels(labels: ArrayLike, num_images: int, num_classes: int) -> NDArray[np.int64]:
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) != num_images:
        raise ValueError(
            f"There must be one label for each of the {num_images} images, "
            f"got labels of shape {labels.shape}."
        )
    if num_images and labels.dtype.kind not in "iu":
        raise ValueError(f"The labels must be integers, got an array of {labels.dtype}.")
    if num_images and (labels.min() < 0 or labels.max() >= num_classes):
        raise ValueError(
            f"The labels must lie between 0 and {num_classes - 1}, "
            f"got {labels.min()} to {labels.max()}."
        )
    return _read_only(labels.astype(np.int64))


def _selected(chosen: int | slice | ArrayLike, length: int, name: str) -> NDArray[np.intp]:
    """Turn any way of choosing into indices, refusing what NumPy would misread."""
    if isinstance(chosen, slice):
        return np.arange(length)[chosen]
    chosen = np.asarray(chosen)
    if chosen.dtype == bool:
        if chosen.shape != (length,):
            raise ValueError(
                f"A mask must have one entry for each of the {length} {name}s, "
                f"got the shape {chosen.shape}."
            )
        return np.flatnonzero(chosen)
    chosen = np.atleast_1d(chosen)
    if chosen.size == 0:
        return np.zeros(0, dtype=np.intp)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
        raise ValueError(f"Choose {name}s by a list of integers, a slice or a mask.")
    if chosen.min() < -length or chosen.max() >= length:
        raise ValueError(
            f"There are {length} {name}s, numbered from 0: cannot take {chosen.tolist()[:5]}."
        )
    return chosen.astype(np.intp)
