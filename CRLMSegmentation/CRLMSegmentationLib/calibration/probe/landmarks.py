"""The landmarks of a phantom as a PLUS configuration defines them (PhantomDefinition, Geometry, Landmarks)."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ...errors import ConfigurationError
from ...words import tr


def landmarks_of(root: ElementTree.Element, path: str | Path) -> tuple[list[str], np.ndarray]:
    """Names, and (n, 3) places in Phantom, mm, in their order. Raises ConfigurationError, which names `path`."""
    landmarks = root.findall(".//PhantomDefinition//Landmark")
    if not landmarks:
        raise ConfigurationError(
            tr(
                "{path} defines no landmarks of a phantom (PhantomDefinition, Geometry, Landmarks); give "
                "a PLUS file that does.",
                path=path,
            )
        )
    try:
        points = [[float(text) for text in one.get("Position", "").split()] for one in landmarks]
        places = np.array(points, dtype=np.float64).reshape(len(landmarks), 3)
    except ValueError:
        raise ConfigurationError(
            tr("{path}: a Landmark has a Position that is not three numbers in mm.", path=path)
        ) from None
    if not np.isfinite(places).all():
        raise ConfigurationError(tr("{path}: a Landmark has a Position that is not finite.", path=path))
    return [one.get("Name") or str(number + 1) for number, one in enumerate(landmarks)], places
