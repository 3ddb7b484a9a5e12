"""The compiled part: pixels into voxels, and holes filled."""
