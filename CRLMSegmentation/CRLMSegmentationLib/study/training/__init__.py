"""Training with nnU-Net's own trainer, and the model folder that comes of it."""
