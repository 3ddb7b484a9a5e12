"""Trained models on disk: found, checked and taken over from nnU-Net."""
