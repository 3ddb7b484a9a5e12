"""Tumor and distances for other programs."""
