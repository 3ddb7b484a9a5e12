"""How the planning slices lie: as the sweep lies, so that they show the patient the way round the live image does."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def planning_axes(images_to_reference: Iterable[np.ndarray]) -> dict[str, np.ndarray] | None:
    """(3, 3) of each planning slice by its name, columns right, up and towards the viewer in Reference; right-handed.

    images_to_reference  (4, 4) each, from pixels (u, v, 0, 1) to Reference: those of a sweep, or of one live image
    None when there is none, or none from which directions follow

    'Red' lies as the image: first row at the top, first column at the left, seen from the same side. 'Yellow' is the
    same, seen from the right of the image, 'Green' from the probe.
    """
    from CRLMSegmentationLib.values import image_plane

    planes = [image_plane(matrix) for matrix in images_to_reference]
    frames = [plane.slice_to_reference()[:3, :3] for plane in planes if plane is not None]
    if not frames:
        return None
    # The rotation nearest to the mean of all. In a sweep that turns round it is near to none of them: then the image in
    # the middle speaks.
    left, _, right = np.linalg.svd(np.mean(frames, axis=0))
    mean = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    cosines = (np.einsum("ij,nij->n", mean, np.array(frames)) - 1) / 2
    red = mean if np.mean(cosines < 0) <= 0.1 else frames[len(frames) // 2]
    across, up, viewer = red.T
    return {
        "Red": red,
        "Yellow": np.column_stack([-viewer, up, across]),
        "Green": np.column_stack([across, -viewer, up]),
    }
