"""What is learned from pictures of a laparoscope with landmarks: losses, training, and readers of public data sets."""
