"""What comes from an OpenIGTLink server, into a file."""
