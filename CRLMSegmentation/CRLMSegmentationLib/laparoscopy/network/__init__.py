"""The landmarks that a network finds in a laparoscope's picture."""
