"""Masks: one label of a label volume, or one segment of 3D Slicer's `.seg.nrrd`, as 0 and 1.

Format of `.seg.nrrd`: Slicer's vtkMRMLSegmentationStorageNode; each segment has a label value in one of the layers,
which are the values of a voxel.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import FileFormatError
from ..values import Volume
from ..words import tr
from .volume_file import read_image
from .volume_header import frame_of

ALL_LABELS = "all"
# Rarely has a label volume more labels; what has more different values is taken for an image until one is chosen.
_MOST_LABELS = 64
_MOST_NAMED = 12


def read_mask(path: str | Path, label: str | int | None = None, option: str = "--label") -> Volume:
    """The mask in `path` as uint8 0 and 1, in RAS, from a label volume or a `.seg.nrrd`.

    label   which label, or name of a segment; 'all' for any that is not 0; None when the file holds one
    option  how a person says which, for the error
    Raises FileFormatError when the file holds several and none was chosen, when it has no such label, and when it is an
    image and not a mask.
    """
    layers, ijk_to_ras, metadata = read_image(path)
    frame = frame_of(metadata, path)
    if label is not None and str(label) == ALL_LABELS:
        return Volume((layers != 0).any(axis=-1).astype(np.uint8), ijk_to_ras, frame=frame)
    found = _labels_of(layers, metadata, path, label is not None, option)
    if label is None and len(found) <= 1:
        return Volume((layers != 0).any(axis=-1).astype(np.uint8), ijk_to_ras, frame=frame)
    there = ", ".join([*list(found)[:_MOST_NAMED], *(["..."] if len(found) > _MOST_NAMED else [])])
    if label is None:
        raise FileFormatError(
            tr(
                "{path} holds {found} labels ({there}): say with {option} which one is meant, or "
                "'{all_labels}' for all of them together.",
                path=path,
                found=len(found),
                there=there,
                option=option,
                all_labels=ALL_LABELS,
            )
        )
    chosen = [place for name, place in found.items() if str(label) in (name, f"{place[1]:g}")]
    if len(chosen) != 1:
        how = "more than one" if chosen else "no"
        raise FileFormatError(
            tr(
                "{path} holds {how} label '{label}'; it holds {there}.",
                path=path,
                how=how,
                label=label,
                there=there or "none",
            )
        )
    number, value = chosen[0]
    return Volume((layers[..., number] == value).astype(np.uint8), ijk_to_ras, frame=frame)


def mask_names(path: str | Path) -> list[str]:
    """What read_mask() can be asked for: names of segments, or values of labels without a name.

    Raises FileFormatError for what is no file of labels.
    """
    layers, _, metadata = read_image(path)
    return list(_labels_of(layers, metadata, path, is_chosen=True, option=""))


def _labels_of(
    layers: np.ndarray, metadata: dict[str, str], path: str | Path, is_chosen: bool, option: str
) -> dict[str, tuple[int, float]]:
    """Layer and value of each label, by the name that a person knows it by."""
    names = _segments(metadata)
    found = {}
    for number in range(layers.shape[-1]):
        in_layer = f" in layer {number}" if layers.shape[-1] > 1 else ""
        for value in _labels_in(layers[..., number], path, is_chosen, option):
            found[names.get((number, value), f"{value:g}{in_layer}")] = (number, value)
    return found


def _labels_in(layer: np.ndarray, path: str | Path, is_chosen: bool, option: str) -> list[float]:
    """The values in `layer` that are not 0. Raises FileFormatError when these are no labels, as far as is known."""
    values = np.unique(layer)
    values = values[values != 0]
    are_whole = np.isfinite(values).all() and not (values % 1 != 0).any()
    if (values.size > _MOST_LABELS and not is_chosen) or (values.size > 1 and not are_whole):
        raise FileFormatError(
            tr(
                "{path} is an image and not a mask: it holds {size} different values from {nanmin:g} to "
                "{nanmax:g}; give a mask, 0 outside of the tumor, or say with {option} which value the "
                "tumor has.",
                path=path,
                size=values.size,
                nanmin=np.nanmin(values),
                nanmax=np.nanmax(values),
                option=option,
            )
        )
    labels: list[float] = values.tolist()
    return labels


def _segments(metadata: dict[str, str]) -> dict[tuple[int, float], str]:
    """Name of each segment of a `.seg.nrrd` by its layer and label value."""
    names = {}
    for key, name in metadata.items():
        if key.startswith("Segment") and key.endswith("_Name"):
            segment = key.removesuffix("_Name")
            try:
                layer = int(metadata.get(f"{segment}_Layer", 0))
                value = float(metadata[f"{segment}_LabelValue"])
            except (KeyError, ValueError):
                continue
            names[layer, value] = name
    return names
