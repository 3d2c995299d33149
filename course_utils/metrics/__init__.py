"""Numbers about predictions: scores, risk and coverage, calibration, detection, intervals. Never torch."""
