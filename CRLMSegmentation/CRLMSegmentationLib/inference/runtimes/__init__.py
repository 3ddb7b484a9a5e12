"""What runs a network on this computer, and which of them a model gets."""
