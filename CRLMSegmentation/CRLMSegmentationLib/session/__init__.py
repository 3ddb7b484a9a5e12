"""The workflow of one case. Import the parts by name."""
