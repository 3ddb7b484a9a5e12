"""The sweep in the scene, and what 3D Slicer's own modules make of it."""
