"""Serving the page, and who may see and set what."""
