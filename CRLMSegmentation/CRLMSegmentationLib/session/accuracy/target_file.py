"""Targets of known place on a phantom: its own landmarks, or points that were marked in the volume of a sweep."""

from __future__ import annotations

from pathlib import Path

from ...calibration.accuracy.targets import Targets
from ...calibration.probe.landmarks import landmarks_of
from ...calibration.probe.phantom import place_of_phantom
from ...calibration.probe.phantom_registration import PhantomRegistration
from ...errors import ConfigurationError
from ...files.points_file import read_named_points
from ...geometry import transform_points
from ...sweep.plus_configuration import read_plus_xml
from ...words import tr

_FEWEST, _LEAST_APART_MM = 3, 4.0


def read_targets(path: str | Path, registered: PhantomRegistration | None = None) -> Targets:
    """From 3D Slicer's points (`.mrk.json`), in Reference, or a PLUS file with the phantom's Landmarks and its place.

    registered  as of read_phantom()
    Raises FileFormatError or ConfigurationError when it holds none that can be told apart.
    """
    if str(path).lower().endswith(".json"):
        names, points = read_named_points(path)
        targets = Targets(names, points, True)
    else:
        targets = _of_phantom(path, registered)
    if len(targets.names) < _FEWEST:
        raise ConfigurationError(
            tr(
                "{path} holds {names} targets; the protocol needs {fewest} and more.",
                path=path,
                names=len(targets.names),
                fewest=_FEWEST,
            )
        )
    if len(set(targets.names)) < len(targets.names):
        raise ConfigurationError(tr("{path} names a target twice; give each a name of its own.", path=path))
    if targets.least_apart_mm < _LEAST_APART_MM:
        raise ConfigurationError(
            tr(
                "Two targets of {path} lie {least_apart_mm:.1f} mm apart, so that nobody could tell "
                "which of them was touched; use targets that lie {least_apart_mm_2:g} mm and more apart.",
                path=path,
                least_apart_mm=targets.least_apart_mm,
                least_apart_mm_2=_LEAST_APART_MM,
            )
        )
    return targets


def _of_phantom(path: str | Path, registered: PhantomRegistration | None) -> Targets:
    root = read_plus_xml(path)
    names, places = landmarks_of(root, path)
    matrix, registration = place_of_phantom(root, path, registered)
    return Targets(names, transform_points(matrix, places), False, registration)
