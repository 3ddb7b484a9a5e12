"""Slicer for who has no hand for the mouse: the views alone on a screen, keys, and a foot switch."""
