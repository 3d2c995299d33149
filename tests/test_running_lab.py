"""Waiting for a server: one that describes itself before it listens, and one that ends."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from running_lab import answering

# as JupyterLab on a busy machine, which writes the address down and listens later
LATE = """
import http.server, json, os, socket, sys, time
from pathlib import Path
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
facts = {"pid": os.getpid(), "port": port, "url": f"http://127.0.0.1:{port}/"}
described = Path(sys.argv[1]) / f"jpserver-{os.getpid()}.json"
described.write_text("{")
time.sleep(0.5)
described.write_text(json.dumps(facts))
time.sleep(1)
if sys.argv[2] == "listens":
    pages = http.server.SimpleHTTPRequestHandler
    http.server.HTTPServer(("127.0.0.1", port), pages).serve_forever()
"""


@pytest.mark.parametrize("what", ["listens", "ends"])
def test_a_server_that_listens_late_is_waited_for(tmp_path: Path, what: str) -> None:
    (tmp_path / "api").touch()
    process = subprocess.Popen(
        [sys.executable, "-c", LATE, str(tmp_path), what],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    try:
        if what == "ends":
            with pytest.raises(AssertionError, match="no JupyterLab: it ended with 0"):
                answering(process, tmp_path)
        else:
            facts = answering(process, tmp_path)
            assert urllib.request.urlopen(facts["url"]).status == 200
    finally:
        process.kill()
        process.wait()
