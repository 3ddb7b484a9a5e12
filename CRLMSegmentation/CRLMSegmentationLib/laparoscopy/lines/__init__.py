"""From the probability of each pixel to the landmarks' lines."""
