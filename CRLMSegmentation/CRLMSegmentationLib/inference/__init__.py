"""A trained model on disk, and the warm process that runs it: array in, probability out. Import the parts by name."""
