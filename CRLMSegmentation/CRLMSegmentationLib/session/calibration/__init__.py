"""The Calibrate step: the tip of a stylus and the place of the image on its probe, from the live stream."""
