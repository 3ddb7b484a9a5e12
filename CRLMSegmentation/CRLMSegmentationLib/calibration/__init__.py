"""What is known of a device only by measuring it: a tip, where the image lies on its probe, how late images are."""
