"""How well a sweep covers what it passed over, and how far two reconstructions differ."""
