"""What every room may use: settings, atomic files, the device, notebook detection, validation."""
