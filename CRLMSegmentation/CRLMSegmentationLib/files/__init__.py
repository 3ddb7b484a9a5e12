"""Standard files for volumes, boxes and surfaces: what other programs write and read."""
