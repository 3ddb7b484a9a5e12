"""A laparoscope's camera: found from pictures of a board, and pictures without its lens's distortion."""
