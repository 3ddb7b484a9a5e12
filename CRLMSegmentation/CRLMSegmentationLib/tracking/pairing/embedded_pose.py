"""Whether the pose that came inside an image message was measured, by the status of the raw transforms beside it.

PLUS goes on sending the last matrix that it knew when the tracker loses the probe or the reference; only the status of
the raw transforms in the metadata shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...sweep import Pose
from ...sweep.transforms import is_transform_name, split_transform_name

# What these names of PLUS's manuals mean is never the probe.
_HAND_TOOLS = frozenset({"Stylus", "Needle"})


def lost_on_the_way(recorded: Mapping[str, Pose], reference: str, known_names: Iterable[str]) -> str | None:
    """The name of an invalid transform among `recorded` on the way from the image to `reference`; None for none.

    known_names  all transforms that were seen or are calibrated: 'ImageToUltrasound' gives the name of the probe,
                 'NeedleTipToNeedle' that Needle is a tool of its own

    Where the probe's name is not known, any tool that is not known to be another one may be the probe.
    """
    invalid = [name for name, pose in recorded.items() if not pose.valid]
    if not invalid:
        return None
    tools = {split_transform_name(name)[0] for name in recorded} - {"Image", reference}
    known = [split_transform_name(name) for name in {*known_names, *recorded} if is_transform_name(name)]
    probes = {end for start, end in known if start == "Image"} | {"Probe"}
    others = {end for start, end in known if start == f"{end}Tip"} | _HAND_TOOLS
    on_the_way = {"Image", reference} | (probes if tools & probes else tools - others)
    for name in invalid:
        start, end = split_transform_name(name)
        if start in on_the_way or (start not in tools and end in on_the_way):
            return name
    return None
