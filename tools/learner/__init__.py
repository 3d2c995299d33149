"""Install the course, open it, run it."""
