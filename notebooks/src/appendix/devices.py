# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Appendix: several machines with SLURM
#
# Chapter 9 trains one network on several devices of one machine. On a cluster the devices are in
# several machines, and a scheduler, usually SLURM, decides when and where they are yours. What
# changes in the code? Nothing; what changes is who starts the processes.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## The job
#
# On one machine, Lightning starts a process for each GPU itself. On a cluster, `srun` does, on
# every machine. Save this as `many.sh` in the course's folder, and submit it with `sbatch many.sh`:
#
# ```bash
# #!/bin/bash
# #SBATCH --nodes=2
# #SBATCH --ntasks-per-node=4
# #SBATCH --gpus-per-node=4
# #SBATCH --time=00:30:00
# srun .venv/bin/python -m tools.learner.train_on_many --devices 4 --nodes 2
# ```
#
# These are eight tasks, one for each GPU, and all of them run the same line. How does a task know
# which share of a batch is its own, and where the others are?
#
# ## What each task is told
#
# `srun` sets environment variables, and Lightning's plugin `SLURMEnvironment` reads them. Lightning
# chooses it by itself as soon as it finds those variables. Let's set them as `srun` would on two
# machines, `gpu07` and `gpu08`, and ask the plugin:

# %%
import os
from unittest.mock import patch

from lightning.pytorch.plugins.environments import SLURMEnvironment

job = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "many",
    "SLURM_NODELIST": "gpu[07-08]",
    "SLURM_NNODES": "2",
    "SLURM_NTASKS": "8",
    "SLURM_NTASKS_PER_NODE": "4",
}
for task in range(8):
    machine, place = divmod(task, 4)
    own = {"SLURM_PROCID": task, "SLURM_NODEID": machine, "SLURM_LOCALID": place}
    with patch.dict(os.environ, {**job, **{name: str(number) for name, number in own.items()}}):
        slurm = SLURMEnvironment()
        print(
            f"rank {slurm.global_rank()} of {slurm.world_size()}:",
            f"machine {slurm.node_rank()}, GPU {slurm.local_rank()},",
            f"meets the others at {slurm.main_address}:{slurm.main_port}",
        )

# %% [markdown]
# The *rank* chooses the share of every batch, as in chapter 9. The number on its machine, the local
# rank, chooses the GPU. All meet at the first machine of the list, at a port that Lightning makes
# from the number of the job, so that two jobs don't get into each other's way.
#
# ## What goes wrong
#
# - **The numbers differ.** `--ntasks-per-node` must be `devices`, and `--nodes` must be
#   `num_nodes`. Lightning compares them before it trains:

# %% tags=["raises-exception"]
with patch.dict(os.environ, {**job, "SLURM_PROCID": "0"}):
    SLURMEnvironment().validate_settings(num_devices=2, num_nodes=2)

# %% [markdown]
# - **`srun` is missing.** Then the line runs once, on the first machine, as rank 0 of eight, and
#   waits for the other seven until the time is up.
# - **The job is interactive.** If its name is `bash` or `interactive`, Lightning assumes that you
#   start the processes yourself, and doesn't look at the other variables.
# - **A folder isn't shared.** Every machine must see the course, and the first one must be able to
#   write `runs/`.
#
# Is the result the same? A test of this course starts two tasks with SLURM's variables, on one
# machine and without a GPU. Both end with the same weights, and these are the weights of two
# processes that Lightning has started itself, up to rounding.
#
# *Sources:* [documentation of Lightning](https://lightning.ai/docs/pytorch/stable/clouds/cluster_advanced.html),
# `SLURMEnvironment`.
