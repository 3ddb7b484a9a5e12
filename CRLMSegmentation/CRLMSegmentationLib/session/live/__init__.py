"""The tumor in live frames, as a part of the session. Import the parts by name."""
