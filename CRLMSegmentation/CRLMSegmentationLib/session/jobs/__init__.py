"""What takes long, computed away from the session's thread."""
