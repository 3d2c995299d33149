"""JupyterHub for the course on one machine: how it's used is in slides/INSTRUCTORS.md, "On a hub".

It needs a Linux with systemd, which holds everyone to their share of memory and cores, and gives
each attendee a home of their own in /var/lib. The course's folder is read-only to all of them.
"""

import os
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parents[1]
c = get_config()  # noqa: F821  # JupyterHub's own

# One password for the room, and any name. Set both before the hub starts.
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = os.environ.get("COURSE_HUB_PASSWORD")
c.SharedPasswordAuthenticator.admin_password = os.environ.get("COURSE_HUB_ADMIN_PASSWORD")
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"teacher"}
c.Authenticator.username_pattern = r"[a-z0-9][a-z0-9-]{0,30}"


def with_prefix(authenticator, handler, authentication):
    """Put "course-" before every name: a home in /var/lib must not be that of a program."""
    return {**authentication, "name": f"course-{authentication['name']}"}


c.Authenticator.post_auth_hook = with_prefix

# Everyone's server: the course's own environment, their own home.
c.JupyterHub.spawner_class = "systemd"
c.SystemdSpawner.dynamic_users = True
c.SystemdSpawner.isolate_tmp = True
c.SystemdSpawner.readonly_paths = [str(COURSE)]
c.JupyterHub.cleanup_servers = False  # people go on working while the hub is started anew
c.Spawner.cmd = [sys.executable, "-m", "tools.learner.hub"]
c.Spawner.environment = {
    "PYTHONPATH": os.pathsep.join(filter(None, [str(COURSE), os.environ.get("PYTHONPATH", "")])),
    "COURSE_SPEED": os.environ.get("COURSE_SPEED", "look"),
    "OMP_NUM_THREADS": "1",
}
c.Spawner.mem_limit = "2G"  # a chapter takes less than 1 GB (`make memory`), its server 0.1 GB
c.Spawner.cpu_limit = 2.0

# Forty people who log in at once wait for each other. JupyterHub's own limits, 60 and 30 seconds,
# would fail the last of them (`make hub-test` measures how long a start takes).
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 180
# More starts at a time would only make each of them slower. The others' page tries again by itself.
c.JupyterHub.concurrent_spawn_limit = 4 * (os.cpu_count() or 1)

# People who have been away for an hour make room. Their work is kept, and starting again is quick.
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [
            sys.executable,
            "-m",
            "jupyterhub_idle_culler",
            "--timeout=3600",
            "--cull-every=60",
        ],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]

c.ConfigurableHTTPProxy.command = [
    "node",
    str(COURSE / "hub/node_modules/configurable-http-proxy/bin/configurable-http-proxy"),
]
