"""The text that goes with a frame in a sequence file, as PLUS names it."""

from __future__ import annotations

import numpy as np

from ..tracked_frame import TrackedFrame
from ..transforms import format_matrix


def frame_fields(frame: TrackedFrame, reference: str = "Reference") -> dict[str, str]:
    """The text fields that go with `frame` in a sequence file, without the Seq_Frame prefix.

    reference  the frame to which its `image_to_reference` leads
    All transforms are there, whether they follow from each other or not: as_tree() makes of it what is written.
    """
    target = f"ImageTo{reference}"
    fields = {}
    if frame.image_to_reference is not None:
        fields[f"{target}Transform"] = format_matrix(frame.image_to_reference)
        fields[f"{target}TransformStatus"] = "OK" if frame.valid else "INVALID"
    elif target not in frame.transforms and frame.pixels.size:
        # IGSIO knows no frame without a transform: an unknown pose is written as identity and marked.
        fields[f"{target}Transform"] = format_matrix(np.eye(4))
        fields[f"{target}TransformStatus"] = "INVALID"
    for name, pose in frame.transforms.items():
        if name == target:
            continue
        finite = np.isfinite(pose.matrix).all()
        fields[f"{name}Transform"] = format_matrix(pose.matrix if finite else np.eye(4))
        fields[f"{name}TransformStatus"] = clean_field(pose.status) if finite or not pose.valid else "INVALID"
    if np.isfinite(frame.timestamp):
        fields["Timestamp"] = repr(float(frame.timestamp))
    fields.update({clean_field(name): clean_field(value) for name, value in frame.fields.items()})
    return fields


def clean_field(text: object) -> str:
    """Text that cannot break out of its header line."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split()).replace("=", "-")
