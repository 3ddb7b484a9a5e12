"""The tumor in every live frame, and what the frames say together in 3D. Import the parts by name."""
