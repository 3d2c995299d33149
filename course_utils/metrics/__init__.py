"""Numbers about predictions, each in one place: scores, losses, calibration, risk. Never torch."""
