"""The whole workflow on MRML nodes, the same in 3D Slicer and with slicer-core alone. Import parts by name."""
