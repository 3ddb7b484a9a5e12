"""Which poses belong to which image."""
