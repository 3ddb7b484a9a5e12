"""An N-wire phantom as a PLUS configuration defines it.

Format: PLUS user manual, 'fCal phantom', elements PhantomDefinition/Geometry/Pattern of Type 'NWire': three wires in
one plane, the first and the third parallel, the second from the one to the other; PhantomToReference from the phantom's
registration. G. Carbajal, A. Lasso, A. Gomez, G. Fichtinger, 'Improving N-wire phantom-based freehand ultrasound
calibration', IJCARS 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ...errors import ConfigurationError, CRLMError
from ...geometry import as_affine
from ...sweep.plus_configuration import read_plus_xml
from ...sweep.transforms import parse_matrix
from ...words import tr
from .bright_dots import PLUS_DOT, DotShape
from .phantom_registration import PhantomRegistration

# Wires that are called parallel, or in one plane, are so to this.
_PARALLEL_SINE, _IN_PLANE_MM = 0.01, 0.1


@dataclass(frozen=True, eq=False)
class NWirePhantom:
    """A phantom of one or more N patterns.

    names                 of all wires, three to a pattern, in the order of the definition
    ends_mm               (patterns, 3, 2, 3) front and back end of each wire in Phantom
    phantom_to_reference  (4, 4) of its registration
    pixel_mm              roughly the size of a pixel as the configuration has it; None when it does not say
    dot_shape             what a wire is in an image, as the configuration has it
    registration          how well its place is known; None where nobody knows
    """

    names: list[str]
    ends_mm: np.ndarray
    phantom_to_reference: np.ndarray
    pixel_mm: float | None = None
    dot_shape: DotShape = PLUS_DOT
    registration: PhantomRegistration | None = None

    @property
    def direction(self) -> np.ndarray:
        """(3,) unit vector along the parallel wires, in Phantom."""
        along = self.ends_mm[0, 0, 1] - self.ends_mm[0, 0, 0]
        return np.asarray(along / np.linalg.norm(along))

    @property
    def crossing_mm(self) -> np.ndarray:
        """(patterns, 2, 3) where the second wire, drawn out, meets the first and the third."""
        return np.array([[_meeting(wires[1], wires[0]), _meeting(wires[1], wires[2])] for wires in self.ends_mm])

    @property
    def across_mm(self) -> np.ndarray:
        """(patterns, 2, 2) first and third wire of each pattern, seen along the parallel wires."""
        axes = np.linalg.svd(self.direction[np.newaxis])[2][1:]
        return np.asarray(self.ends_mm[:, ::2, 0] @ axes.T)

    def middle_points_mm(self, points: np.ndarray) -> np.ndarray:
        """(n, patterns, 3) in Phantom: where the image cuts the second wires.

        points  (n, 3 patterns, 2) pixels (u, v) of all wires. By similar triangles: the cut divides the second wire as
                the second point divides the line from the first to the third
        """
        first, second, third = np.moveaxis(points.reshape(len(points), -1, 3, 2), 2, 0)
        share = np.linalg.norm(second - first, axis=-1) / np.linalg.norm(third - first, axis=-1)
        begin, end = self.crossing_mm[:, 0], self.crossing_mm[:, 1]
        return np.asarray(begin + share[..., np.newaxis] * (end - begin))


def read_phantom(path: str | Path, registered: PhantomRegistration | None = None) -> NWirePhantom:
    """The N-wire phantom of a PLUS configuration.

    registered  of its landmarks: gives its place where the configuration has none, and how well it is known where the
                configuration has it in the same place
    Raises ConfigurationError with what is missing or wrong.
    """
    root = read_plus_xml(path)
    patterns = _patterns(root)
    if len(patterns) < 2:
        raise ConfigurationError(
            tr(
                "{path} defines {patterns} patterns of Type 'NWire' (PhantomDefinition, Geometry, "
                "Pattern); an N-wire phantom has two and more.",
                path=path,
                patterns=len(patterns),
            )
        )
    names, ends = _wires(patterns, path)
    placed, registration = place_of_phantom(root, path, registered)
    pixel_mm = _amount(root, "ApproximateSpacingMmPerPixel")
    phantom = NWirePhantom(names, ends, placed, pixel_mm, _dot_shape(root), registration)
    _check(phantom, path)
    return phantom


def wire_places(root: ElementTree.Element, path: str | Path) -> np.ndarray:
    """(n, 3) both ends of every wire in Phantom, mm; (0, 3) where the configuration defines no N-wire phantom."""
    return _wires(_patterns(root), path)[1].reshape(-1, 3)


def _patterns(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [element for element in root.iterfind(".//PhantomDefinition//Pattern") if element.get("Type") == "NWire"]


def _wires(patterns: list[ElementTree.Element], path: str | Path) -> tuple[list[str], np.ndarray]:
    """Names, and (patterns, 3, 2, 3) ends."""
    names: list[str] = []
    ends = []
    for pattern in patterns:
        wires = pattern.findall("Wire")
        if len(wires) != 3:
            raise ConfigurationError(
                tr("{path}: a pattern of the phantom has {wires} wires; an N has three.", path=path, wires=len(wires))
            )
        names += [wire.get("Name", f"wire {len(names) + number + 1}") for number, wire in enumerate(wires)]
        ends.append([[_point(wire, end, path) for end in ("EndPointFront", "EndPointBack")] for wire in wires])
    return names, np.array(ends, dtype=np.float64)


def place_of_phantom(
    root: ElementTree.Element, path: str | Path, registered: PhantomRegistration | None
) -> tuple[np.ndarray, PhantomRegistration | None]:
    """(4, 4) PhantomToReference, and how well it is known; None where nobody knows. `registered` as of read_phantom().

    Raises ConfigurationError where the phantom has no place.
    """
    placed = _phantom_to_reference(root, path)
    if placed is not None:
        return placed, registered if registered is not None and registered.is_of(placed) else None
    if registered is None:
        raise ConfigurationError(
            tr(
                "{path} holds no PhantomToReference: register the phantom first (crlm calibrate phantom: "
                "touch its landmarks with the stylus).",
                path=path,
            )
        )
    return registered.phantom_to_reference, registered


def _phantom_to_reference(root: ElementTree.Element, path: str | Path) -> np.ndarray | None:
    """(4, 4) mm, where a PLUS file says that the phantom is; None where it does not. `path` is for people.

    Raises ConfigurationError for a matrix that is none.
    """
    registered = root.find(".//CoordinateDefinitions/Transform[@From='Phantom'][@To='Reference']")
    if registered is None:
        return None
    try:
        return as_affine(parse_matrix(registered.get("Matrix", ""), "PhantomToReference"), "PhantomToReference")
    except CRLMError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _point(wire: ElementTree.Element, end: str, path: str | Path) -> list[float]:
    try:
        values = [float(text) for text in wire.get(end, "").split()]
    except ValueError:
        values = []
    if len(values) != 3 or not np.isfinite(values).all():
        raise ConfigurationError(
            tr(
                "{path}: {end} of wire {wire} is not three numbers in mm.",
                path=path,
                end=end,
                wire=wire.get("Name", "?"),
            )
        )
    return values


def _amount(root: ElementTree.Element, name: str) -> float | None:
    """An attribute of Segmentation; None where it has none that makes sense."""
    element = root.find(".//Segmentation")
    try:
        value = float(element.get(name, "")) if element is not None else 0.0
    except ValueError:
        return None
    return value if 0 < value < 100 else None


def _dot_shape(root: ElementTree.Element) -> DotShape:
    bar_mm, circle_mm, percent = (
        _amount(root, name)
        for name in ("MorphologicalOpeningBarSizeMm", "MorphologicalOpeningCircleRadiusMm", "ThresholdImagePercent")
    )
    return DotShape(
        bar_mm or PLUS_DOT.bar_mm, circle_mm or PLUS_DOT.circle_mm,
        PLUS_DOT.least_share if percent is None else percent / 100,
    )  # fmt: skip


def _check(phantom: NWirePhantom, path: str | Path) -> None:
    along = phantom.direction
    for number, wires in enumerate(phantom.ends_mm):
        runs = wires[:, 1] - wires[:, 0]
        lengths = np.linalg.norm(runs, axis=1, keepdims=True)
        if (lengths < 1).any():
            raise ConfigurationError(
                tr("{path}: pattern {number} of the phantom has a wire without length.", path=path, number=number + 1)
            )
        sines = np.linalg.norm(np.cross(runs / lengths, along), axis=1)
        corners = wires.reshape(6, 3) - wires[0, 0]
        off_plane = np.linalg.svd(corners - corners.mean(axis=0))[1][2]
        if max(sines[0], sines[2]) > _PARALLEL_SINE or sines[1] < 0.1 or off_plane > _IN_PLANE_MM:
            raise ConfigurationError(
                tr(
                    "{path}: pattern {number} of the phantom is no N: its first and third wire have to be "
                    "parallel to those of the others, and the second has to run between them in one plane.",
                    path=path,
                    number=number + 1,
                )
            )


def _meeting(line: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(3,) the place on `line` nearest to `other`, each (2, 3) two points of a straight line."""
    run, across = line[1] - line[0], other[1] - other[0]
    shares = np.linalg.lstsq(np.column_stack([run, -across]), other[0] - line[0], rcond=None)[0]
    return np.asarray(line[0] + shares[0] * run)
