"""Is this machine ready? The doctor, the forecast of minutes, Colab, and help in the kernel."""
