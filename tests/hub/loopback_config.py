"""The course's own `hub/jupyterhub_config.py` on loopback, with processes for systemd's units."""

import os
import sys
from pathlib import Path

folder = Path(os.environ["COURSE_TEST_HUB"])
port, hub_port, api_port = map(int, os.environ["COURSE_TEST_PORTS"].split())
idle = os.environ["COURSE_TEST_IDLE"]

load_subconfig(str(Path(__file__).resolve().parents[2] / "hub/jupyterhub_config.py"))  # noqa: F821
c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_port = hub_port
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{api_port}"
c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(folder / "secret")
c.ConfigurableHTTPProxy.pid_file = str(folder / "proxy.pid")
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.cleanup_servers = True
c.SimpleLocalProcessSpawner.home_dir_template = str(folder / "homes/{username}")
if os.geteuid() == 0:
    c.Spawner.args = ["--allow-root"]

# activity is looked at every 2 seconds instead of every 5 minutes
c.JupyterHub.last_activity_interval = 2
c.Spawner.environment["JUPYTERHUB_ACTIVITY_INTERVAL"] = "2"
c.JupyterHub.services[0]["command"] = [
    *(sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={idle}", "--cull-every=2")
]
