"""Damaged copies of a file, to see who notices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def flip_bits(path: Path, every: int) -> Iterator[int]:
    """Write a file again and again, each time with another single bit of it flipped.

    Where `every` is odd, each of the eight places in a byte has its turn. Yields the bit's number.
    """
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), every):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        yield bit
