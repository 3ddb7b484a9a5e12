"""What is taken where nobody says anything else: once for command, page, window, session and study."""

from __future__ import annotations

# PLUS's own, in its manual and its configurations.
DEFAULT_PORT = 18944
# Where other programs are sent tumor and distances: the one beside it.
DEFAULT_PUBLISHING_PORT = 18945
# Voxels of a volume: about as fine as an image of a laparoscopic or intraoperative probe is across its plane.
DEFAULT_SPACING_MM = 0.5
# The edges of a box that is dropped with one click: a metastasis of up to 2 cm and what is around it.
DEFAULT_BOX_EDGE_MM = 40.0
# Added on every side of a box that fits the tumor closely, as the network saw the tumor when it was trained.
DEFAULT_BOX_MARGIN_MM = 10.0
# The probability from which a voxel is tumor, where nobody has chosen one on validation images.
DEFAULT_THRESHOLD = 0.5
# What a tool is warned of: the distance from the tumor's surface that resections aim at.
DEFAULT_SAFETY_MARGIN_MM = 10.0
