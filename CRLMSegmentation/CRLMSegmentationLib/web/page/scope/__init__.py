"""The section of the laparoscope."""
