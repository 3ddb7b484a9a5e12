"""The tumor as plain values: its mask, what a hand has changed, its shape."""
