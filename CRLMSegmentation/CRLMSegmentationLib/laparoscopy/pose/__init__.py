"""Where the model of a liver lies before the camera, by landmarks that both show."""
