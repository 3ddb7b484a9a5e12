"""Simulated recordings for a calibration, with what it has to find."""
