"""The name of every node that the session keeps in the scene.

Live nodes bear PLUS's own names, so that SlicerOpenIGTLink's connector fills the very same nodes.
"""

LIVE_IMAGE = "Image_Image"
LIVE_OUTLINE = "Live outline"
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
OTHER_SURFACE = "Tumor surface "  # of each further tumor, with its number
DISTANCE_TEXT = "Tool distances"
CASE = "CRLM case"  # what is known of the case beside its nodes; see case_facts

# Of the CT before the operation, once it is registered; never saved with the scene.
CT_TO_REFERENCE = "CtToReference"

SWEEP_BROWSER = "Recorded sweep"
SWEEP_PREFIX = "Recorded "


def tool_model(tool: str) -> str:
    """Name of the tool's shape."""
    return f"{tool} model"


def ct_model(structure: str) -> str:
    """Name of a structure of the registered CT."""
    return f"CT {structure}"


def distance_line(tool: str) -> str:
    """Name of the line from the tool's tip to the nearest place on the tumor."""
    return f"{tool} to tumor"


def recorded(name: str) -> str:
    """Name of the sequence, and of the node that shows it, for a live node or transform called `name`."""
    return SWEEP_PREFIX + name


def other_surface(number: int) -> str:
    """Name of the surface of a further tumor, by its number in the case."""
    return f"{OTHER_SURFACE}{number}"


def is_other_surface(role: str) -> bool:
    """True for what other_surface() gives."""
    return role.startswith(OTHER_SURFACE) and role[len(OTHER_SURFACE) :].isdecimal()
