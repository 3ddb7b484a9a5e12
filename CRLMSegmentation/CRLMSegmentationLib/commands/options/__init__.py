"""What several commands have in common: options, checks of what is written, and printing."""
