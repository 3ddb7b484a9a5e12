"""The name of every node that the session keeps in the scene.

Live nodes bear PLUS's own names, so that SlicerOpenIGTLink's connector fills the very same nodes.
"""

LIVE_IMAGE = "Image_Image"
LIVE_OUTLINE = "Live outline"
CROSSING_SUFFIX = " in the live image"  # after the name of a tool
IMAGE_TO_REFERENCE = "ImageToReference"
PROBE_TO_REFERENCE = "ProbeToReference"
PROBE_FACE_TO_REFERENCE = "ProbeFaceToReference"
PROBE_MODEL = "Probe"

VOLUME = "Reconstructed volume"
SEEN_SUFFIX = " seen"  # of a label map that says which voxels of a volume were seen
SEEN = f"{VOLUME}{SEEN_SUFFIX}"
SEEN_ROLE = "CRLM.Seen"  # by which a volume node refers to it
BOX = "Tumor box"
PROBABILITY = "Tumor probability"
SEGMENTATION = "Tumor segmentation"
SEGMENT = "Tumor"
SURFACE = "Tumor surface"
MARGIN = "Tumor margin"
UNCERTAINTY_OUTER = "Tumor where unsure"
UNCERTAINTY_INNER = "Tumor where sure"
# Of each further tumor, with its number: see of_other().
OTHER_SURFACE = "Tumor surface "
OTHER_MARGIN = "Tumor margin "
OTHER_MASK = "Tumor mask "
OTHER_CORRECTIONS = "Tumor corrections "  # 1 painted, 2 erased by hand
OTHER_PROBABILITY = "Tumor probability "
OTHER_VOLUME = "Reconstructed volume "  # of each volume beside the one that is shown, with its number in the case
OTHER_LABELS = (OTHER_MASK, OTHER_CORRECTIONS)
OTHER_VOXELS = (*OTHER_LABELS, OTHER_PROBABILITY)
DISTANCE_TEXT = "Tool distances"
CASE = "CRLM case"  # what is known of the case beside its nodes; see case_facts

# Of the CT before the operation, once it is registered; never saved with the scene.
CT_TO_REFERENCE = "CtToReference"
CT_CUT = "CT planned cut"
CT_CUT_HANDLES = "CT planned cut, handles"
# Of the CT while it is corrected in the Segment Editor; never saved with the scene.
CT_VOLUME = "CT in correction"
CT_SEGMENTATION = "CT structures in correction"

_LINE_SUFFIX = " to tumor"  # after the name of a tool

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
    return f"{tool}{_LINE_SUFFIX}"


def is_distance_line(role: str) -> bool:
    """True for what distance_line() gives."""
    return role.endswith(_LINE_SUFFIX)


def crossing(tool: str) -> str:
    """Name of the marks on the live image that say where the tool stands against it."""
    return f"{tool}{CROSSING_SUFFIX}"


def is_live_mark(role: str) -> bool:
    """True for what is drawn on the live image."""
    return role == LIVE_OUTLINE or role.endswith(CROSSING_SUFFIX)


def recorded(name: str) -> str:
    """Name of the sequence, and of the node that shows it, for a live node or transform called `name`."""
    return SWEEP_PREFIX + name


def of_other(kind: str, number: int) -> str:
    """Name of what belongs to a further tumor, or of a volume that is not shown, by its number in the case.

    kind  one of the OTHER_... above
    """
    return f"{kind}{number}"


def is_of_other(role: str, *kinds: str) -> bool:
    """True for what of_other() gives for one of these kinds; of all without any, and of what was seen of a volume."""
    kinds = kinds or (OTHER_SURFACE, OTHER_MARGIN, *OTHER_VOXELS, OTHER_VOLUME)
    role = role.removesuffix(SEEN_SUFFIX)
    return any(role.startswith(kind) and role[len(kind) :].isdecimal() for kind in kinds)
