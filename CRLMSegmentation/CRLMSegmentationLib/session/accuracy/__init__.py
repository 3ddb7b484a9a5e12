"""How far off the distances of a session may be."""
