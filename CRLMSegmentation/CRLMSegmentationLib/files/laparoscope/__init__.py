"""Files about the pictures of a laparoscope: its camera, and the landmarks in them."""
