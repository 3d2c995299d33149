"""End with a sentence, and status 1, unless this machine has a CUDA GPU that PyTorch can use."""

from __future__ import annotations

import sys

import torch

from course_utils.networks import training


def main() -> int:
    """Look for the GPU and name it. Returns the exit status."""
    if training.device().type == "cuda":
        print(f"GPU: {torch.cuda.get_device_name()}, PyTorch {torch.__version__}.")
        return 0
    built = "with" if torch.version.cuda else "without"
    print(
        f"There is no CUDA GPU that can be used here (PyTorch {torch.__version__} is built {built} "
        "CUDA): run this on a machine with an NVIDIA GPU, its driver, and a PyTorch built for it.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
