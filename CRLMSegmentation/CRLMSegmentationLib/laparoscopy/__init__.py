"""Through the laparoscope: landmarks of the liver in its video, its camera, and the model laid over the picture."""
