"""Calibrations on disk: as PLUS has them, and the file of what is known about them."""
