"""What is known of a device only by measuring it, such as how late its images are."""
