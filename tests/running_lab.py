"""Wait for a JupyterLab that a test has started."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from jupyter_server.serverapp import list_running_servers


def answering(process: subprocess.Popen[Any], runtime: Path, seconds: float = 60) -> dict[str, Any]:
    """What a server says of itself (address, port, token), once it answers.

    It writes this down before it listens: on a busy machine, a client that reads and asks at once
    is refused.

    Raises
    ------
    AssertionError
        If it has ended, or does not answer in time.
    """
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and process.poll() is None:
        for facts in list_running_servers(str(runtime)):
            if facts["pid"] == process.pid:
                with (
                    contextlib.suppress(OSError),
                    urllib.request.urlopen(f"{facts['url']}api", timeout=5),
                ):
                    return facts
        time.sleep(0.1)
    ended = f"it ended with {process.returncode}" if process.poll() is not None else "it is silent"
    raise AssertionError(f"no JupyterLab: {ended}")
