"""The model of a liver over a laparoscope's picture."""
