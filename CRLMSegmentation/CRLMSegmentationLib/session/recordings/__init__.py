"""Recordings that are made, replayed and kept."""
