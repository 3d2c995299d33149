"""Twenty days of images that follow from a room code, and what each day's mistakes cost.

A room has a *pool* of images: digits that no modest network has seen, some of them damaged in two
ways, and clothes. A day's stream is a draw from it. Days share images, so that each image has to be
read only once, but within a day no image comes twice.

All draws are sorted uniform numbers, the one thing that NumPy's generators give alike in every
version: two laptops with the same code get the same streams.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from course_utils.images import ImageSet, load_fashion_mnist, load_mnist
from course_utils.images.corruptions import CORRUPTIONS, corrupt
from course_utils.networks.registry import MODEST, positions_of

from . import OfficeError

REFER = -1  # what a policy says instead of a digit; also the truth about an image of no digit
SIZE = 3_000  # images of a day
NUM_STREAMS = 20
PRACTICE = "practice "  # how the codes of practice rooms begin
SEVERITIES = (1, 2, 3)
NO_DIGIT = "no digit"
# A room's usual shares, and how far a day goes from them.
USUAL_DAMAGE, USUAL_CLOTHES = (0.05, 0.20), (0.02, 0.12)
DAY = (0.5, 1.5)
# Minutes. Reading an image by hand takes one; a far region's mail takes longer to come back.
WRONG, FAR, NUM_FAR = (5, 10, 20, 40), 4, 3


@dataclass(frozen=True, eq=False)
class Costs:
    """What a day's decisions cost, in minutes of work.

    Attributes
    ----------
    wrong : float64, shape [10]
        An image sent where digit 0, 1, ... 9 belongs, and that should not have gone there.
    refer : float
        An image that somebody reads by hand. A right answer costs nothing.
    """

    wrong: NDArray[np.float64]
    refer: float = 1.0

    def __post_init__(self) -> None:
        try:
            wrong, refer = np.array(self.wrong, dtype=np.float64), float(self.refer)
        except (TypeError, ValueError):
            raise OfficeError("Costs are numbers: ten for wrong answers, one to refer.") from None
        if wrong.shape != (10,) or not (np.isfinite(wrong) & (wrong >= 0)).all():
            raise OfficeError("`wrong` takes ten costs of at least 0, one for each digit answered.")
        if not (np.isfinite(refer) and refer >= 0):
            raise OfficeError("`refer` takes one cost of at least 0.")
        wrong.flags.writeable = False
        object.__setattr__(self, "wrong", wrong)

    def bill(self, answers: NDArray[np.int64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
        """Minutes that each image costs, shape [N].

        Parameters
        ----------
        answers : int [N]
            A digit, or `REFER`.
        truth : int [N]
            A digit, or `REFER` for an image of no digit: any answer to it is wrong.
        """
        answers, truth = np.asarray(answers), np.asarray(truth)
        wrongly = np.where(answers == truth, 0.0, self.wrong[answers])
        return np.where(answers == REFER, self.refer, wrongly)

    def __repr__(self) -> str:
        return f"Costs(refer={self.refer:g}, wrong={[float(f'{one:g}') for one in self.wrong]})"


@dataclass(frozen=True, eq=False)
class Stream:
    """One day: which images of the pool come in, in this order, and what mistakes cost."""

    indices: NDArray[np.int64]
    costs: Costs


@dataclass(frozen=True, eq=False)
class Room:
    """Everything that follows from a room code.

    Attributes
    ----------
    code : str
        As `tidied` returns it.
    size : int
        Images of a day.
    """

    code: str
    size: int = SIZE
    _generator: np.random.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        seed = hashlib.sha256(f"sorting office 1, {self.code}".encode()).digest()
        generator = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
        object.__setattr__(self, "_generator", generator)
        # in this order, whatever is asked for first
        self.damage, self.pool, self.streams  # noqa: B018

    # What is drawn

    def _shuffled(self, count: int) -> NDArray[np.int64]:
        return np.argsort(self._generator.random(count), kind="stable")

    def _between(self, low: float, high: float) -> float:
        return low + (high - low) * float(self._generator.random())

    @cached_property
    def damage(self) -> tuple[str, str]:
        """The two kinds of damage that this office meets."""
        names = list(CORRUPTIONS)
        first, second, *_ = self._shuffled(len(names))
        return names[first], names[second]

    @cached_property
    def parts(self) -> dict[str, int]:
        """Kinds of images in the pool, and how many there are of each."""
        few = int(0.8 * self.size)
        return {"clean": 2 * self.size, **dict.fromkeys(self.damage, few), NO_DIGIT: few}

    @cached_property
    def kinds(self) -> NDArray[np.str_]:
        """What kind each image of the pool is, shape [P]."""
        return np.repeat(list(self.parts), list(self.parts.values()))

    @cached_property
    def pool(self) -> NDArray[np.int64]:
        """Where each image of the pool comes from: a place in its data set, shape [P]."""
        *digits, clothes = self.parts.values()
        unseen, count = unseen_positions(), sum(digits)
        chosen = unseen[self._shuffled(len(unseen))[:count]]
        return np.concatenate([chosen, self._shuffled(NUM_CLOTHES)[:clothes]])

    @cached_property
    def streams(self) -> tuple[Stream, ...]:
        """Twenty days; the first is the one whose costs are known at the opening."""
        usual = [self._between(*USUAL_DAMAGE) for _ in self.damage]
        usual.append(self._between(*USUAL_CLOTHES))
        return tuple(self._day(usual) for _ in range(NUM_STREAMS))

    def _day(self, usual: list[float]) -> Stream:
        counts = [round(self.size * share * self._between(*DAY)) for share in usual]
        counts.insert(0, self.size - sum(counts))
        chosen, start = [], 0
        for have, count in zip(self.parts.values(), counts, strict=True):
            chosen.append(start + self._shuffled(have)[:count])
            start += have
        indices = np.concatenate(chosen)[self._shuffled(self.size)]
        wrong = np.full(10, float(WRONG[int(self._generator.random() * len(WRONG))]))
        wrong[self._shuffled(10)[:NUM_FAR]] *= FAR
        return Stream(indices, Costs(wrong))

    # What is made of it

    @cached_property
    def images(self) -> ImageSet:
        """The pool's images; their labels say nothing."""
        digits, clothes = load_mnist("train").images, load_fashion_mnist("train").images
        made = np.concatenate(
            [digits[self.pool[self.kinds != NO_DIGIT]], clothes[self.pool[self.kinds == NO_DIGIT]]]
        )
        for kind in self.damage:
            for number, severity in enumerate(SEVERITIES):
                places = np.flatnonzero(self.kinds == kind)[number :: len(SEVERITIES)]
                made[places] = corrupt(made[places], kind, severity)
        return ImageSet(made, np.zeros(len(made), np.int64), f"the office of {self.code!r}")

    @cached_property
    def truth(self) -> NDArray[np.int64]:
        """The digit on each image of the pool, `REFER` where there is none, shape [P]."""
        truth = np.full(len(self.pool), REFER)
        digits = self.kinds != NO_DIGIT
        truth[digits] = train_labels()[self.pool[digits]]
        return truth

    @cached_property
    def fingerprint(self) -> str:
        """Twelve letters that differ if two copies of the course draw different streams."""
        digest = hashlib.sha256(repr((self.size, self.damage)).encode())
        for stream in self.streams:
            for part in (self.pool[stream.indices], stream.costs.wrong):
                digest.update(part.astype("<f8").tobytes())
        return digest.hexdigest()[:12]


NUM_CLOTHES = 55_000  # in Fashion-MNIST's training part, of which no chapter makes a lesson


def tidied(code: object) -> str:
    """A room code without what does not count: case, and blanks around it.

    Raises
    ------
    OfficeError
        If it is no text, empty, or longer than 40 letters.
    """
    if not isinstance(code, str):
        raise OfficeError('A room code is a word in quotation marks, such as "tuesday".')
    code = " ".join(unicodedata.normalize("NFC", code).casefold().split())
    if not re.search(r"\w", code):
        raise OfficeError("The room code is empty: use the word that was given to your room.")
    if len(code) > 40 or not code.isprintable():
        raise OfficeError("A room code has at most 40 letters, all of them printable.")
    return code


@cache
def modest_digits() -> ImageSet:
    """The 2,000 digits that the modest networks learned from."""
    return load_mnist("train").subset(positions_of(train_labels(), MODEST.num_train))


@cache
def train_labels() -> NDArray[np.int64]:
    """Labels of MNIST's training part; its images would fill the memory for nothing."""
    return load_mnist("train").labels


def unseen_positions() -> NDArray[np.int64]:
    """Where the other digits of the training part are."""
    labels = train_labels()
    return np.setdiff1d(np.arange(len(labels)), positions_of(labels, MODEST.num_train))
