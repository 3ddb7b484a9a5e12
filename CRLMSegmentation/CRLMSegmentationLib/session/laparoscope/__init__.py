"""Through the laparoscope: its video, landmarks in it, and the model over it."""
