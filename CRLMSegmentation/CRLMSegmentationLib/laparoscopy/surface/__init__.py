"""Surfaces before a camera: triangles, how deep each pixel looks, and their outlines."""
