"""One thread for PyTorch, so that several notebooks can train on one machine.

PyTorch takes a thread for every core, and its threads wait for each other by spinning. A network of
the size of LeNet gains little from that, and three trainings on two cores spin most of the time:
each takes many times as long as one alone (``benchmarks/one_of_many.py`` measures it). How threads
wait is settled when PyTorch is loaded, and a notebook often loads it before the course; how many
there are can be changed at any time.

Whatever you choose yourself holds: ``OMP_NUM_THREADS``, or ``torch.set_num_threads`` after the
course has been imported.
"""

from __future__ import annotations

import os

import torch

if "OMP_NUM_THREADS" not in os.environ:
    torch.set_num_threads(1)
