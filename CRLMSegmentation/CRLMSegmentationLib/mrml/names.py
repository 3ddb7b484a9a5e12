"""The name of every node that the session keeps in the scene.

Live nodes bear PLUS's own names, so that SlicerOpenIGTLink's connector fills the very same nodes.
"""

import re

LIVE_IMAGE = "Image_Image"
IMAGE_TO_REFERENCE = "ImageToReference"
PROBE_TO_REFERENCE = "ProbeToReference"
PROBE_FACE_TO_REFERENCE = "ProbeFaceToReference"
PROBE_MODEL = "Probe"

VOLUME = "Reconstructed volume"
SEEN = "Reconstructed volume seen"
SEEN_ROLE = "CRLM.Seen"  # by which a volume node refers to it
BOX = "Tumor box"
PROBABILITY = "Tumor probability"
SEGMENTATION = "Tumor segmentation"
SEGMENT = "Tumor"
SURFACE = "Tumor surface"
MARGIN = "Tumor margin"
UNCERTAINTY_OUTER = "Tumor where unsure"
UNCERTAINTY_INNER = "Tumor where sure"
DISTANCE_TEXT = "Tool distances"
CASE = "CRLM case"  # what is known of the case beside its nodes; see case_facts

SWEEP_BROWSER = "Recorded sweep"
SWEEP_PREFIX = "Recorded "

DEFAULT_TOOL = "Stylus"
_TIP_CALIBRATION = re.compile(r"^(\w+)TipTo\1$")
# Frames of reference that PLUS names beside tools.
NO_TOOLS = ("Image", "Probe", "Tracker", "Reference", "TransducerOrigin", "TransducerOriginPixel")


def tool_to_reference(tool: str) -> str:
    """'StylusToReference' for 'Stylus'."""
    return f"{tool}ToReference"


def tip_to_tool(tool: str) -> str:
    """'StylusTipToStylus' for 'Stylus'."""
    return f"{tool}TipTo{tool}"


def tool_of_calibration(name: str) -> str | None:
    """'Stylus' for 'StylusTipToStylus'; None for a name that is no tip calibration's."""
    found = _TIP_CALIBRATION.match(name)
    return found.group(1) if found else None


def tool_model(tool: str) -> str:
    """Name of the tool's shape."""
    return f"{tool} model"


def distance_line(tool: str) -> str:
    """Name of the line from the tool's tip to the nearest place on the tumor."""
    return f"{tool} to tumor"


def recorded(name: str) -> str:
    """Name of the sequence, and of the node that shows it, for a live node or transform called `name`."""
    return SWEEP_PREFIX + name
