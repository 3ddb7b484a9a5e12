"""One view for each part of a session, on MRML nodes."""
