"""Checkpoints are read without running anything, and a single damaged byte is noticed."""

from __future__ import annotations

import os

import pytest
import torch

from course_utils.networks.checkpoints import read_checkpoint


@pytest.fixture
def path(tmp_path):
    torch.manual_seed(0)
    torch.save({"epoch": 3, "state_dict": {"weight": torch.randn(50, 40)}}, tmp_path / "a.ckpt")
    return tmp_path / "a.ckpt"


def test_what_was_saved_comes_back(path):
    content = read_checkpoint(path)
    assert content["epoch"] == 3 and content["state_dict"]["weight"].shape == (50, 40)


def test_a_flipped_bit_never_changes_a_weight(path):
    """PyTorch alone reads most of these files without a word, with another number in them."""
    whole = path.read_bytes()
    expected = read_checkpoint(path)["state_dict"]["weight"]
    refused = 0
    for position in range(0, len(whole), 97):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        try:
            found = read_checkpoint(path)["state_dict"]["weight"]
        except ValueError as error:
            assert str(error) == f"{path} is damaged, or holds more than weights."
            refused += 1
        else:  # in bytes that mean nothing, such as a date or the filling between two records
            assert torch.equal(found, expected)
    assert refused > 0.7 * len(whole) / 97


class Evil:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("content", ["truncated", "empty", "text", "code", "number"])
def test_everything_else_is_refused(path, tmp_path, content):
    whole = path.read_bytes()
    if content == "code":
        torch.save({"state_dict": Evil(tmp_path / "executed")}, path)
    elif content == "number":
        torch.save(3, path)
    else:
        short = {"truncated": whole[:-2000], "empty": b"", "text": b"not a checkpoint"}
        path.write_bytes(short[content])
    with pytest.raises(ValueError, match=r"is damaged, or holds more than weights\.$"):
        read_checkpoint(path)
    assert not (tmp_path / "executed").exists()


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "none.ckpt")
