"""The text that goes with a frame in a sequence file, as PLUS names it."""

from __future__ import annotations

import numpy as np

from .tracked_frame import TrackedFrame


def frame_fields(frame: TrackedFrame) -> dict[str, str]:
    """The text fields that go with `frame` in a sequence file, without the Seq_Frame prefix."""
    fields = {}
    if frame.image_to_reference is not None:
        fields["ImageToReferenceTransform"] = format_matrix(frame.image_to_reference)
        fields["ImageToReferenceTransformStatus"] = "OK" if frame.valid else "INVALID"
    elif "ImageToReference" not in frame.transforms:
        # IGSIO knows no frame without a transform: an unknown pose is written as identity and marked.
        fields["ImageToReferenceTransform"] = format_matrix(np.eye(4))
        fields["ImageToReferenceTransformStatus"] = "INVALID"
    for name, pose in frame.transforms.items():
        if name == "ImageToReference":
            continue
        finite = np.isfinite(pose.matrix).all()
        fields[f"{name}Transform"] = format_matrix(pose.matrix if finite else np.eye(4))
        fields[f"{name}TransformStatus"] = clean_field(pose.status) if finite or not pose.valid else "INVALID"
    if np.isfinite(frame.timestamp):
        fields["Timestamp"] = repr(float(frame.timestamp))
    fields.update({clean_field(name): clean_field(value) for name, value in frame.fields.items()})
    return fields


def format_matrix(matrix) -> str:
    """Sixteen numbers, row by row, that read back to the same doubles."""
    return " ".join(f"{value:.17g}" for value in np.asarray(matrix, dtype=np.float64).ravel().tolist())


def clean_field(text) -> str:
    """Text that cannot break out of its header line."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split()).replace("=", "-")
