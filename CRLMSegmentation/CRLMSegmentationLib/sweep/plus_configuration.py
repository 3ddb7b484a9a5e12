"""The parts of a PLUS device set configuration (XML) that a replayed sweep needs.

Format: PLUS user manual, 'Device set configuration file', elements CoordinateDefinitions and VolumeReconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..errors import ConfigurationError, CRLMError
from ..geometry import as_affine
from ..words import tr
from .transforms import parse_matrix, split_transform_name

_LARGEST_FILE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class PlusConfiguration:
    """What was read from a PLUS configuration.

    transforms             (4, 4) float64 by name, such as 'ImageToProbe' (pixel to mm)
    volume_reconstruction  the VolumeReconstruction element, None when there is none
    """

    transforms: dict[str, np.ndarray] = field(default_factory=dict)
    volume_reconstruction: ElementTree.Element | None = None


def read_plus_configuration(path: str | Path) -> PlusConfiguration:
    """Read a PLUS configuration file. Raises ConfigurationError with the reason."""
    root = read_plus_xml(path)
    transforms = {}
    for element in root.iterfind(".//CoordinateDefinitions/Transform"):
        name = f"{element.get('From', '')}To{element.get('To', '')}"
        try:
            split_transform_name(name)
            transforms[name] = as_affine(parse_matrix(element.get("Matrix", ""), name), name)
        except CRLMError as error:
            raise ConfigurationError(f"{path}: {error}") from None
    settings = root if root.tag == "VolumeReconstruction" else root.find(".//VolumeReconstruction")
    if not transforms and settings is None and root.tag != "PlusConfiguration":
        raise ConfigurationError(
            tr(
                "{path} is no PLUS configuration: it has neither CoordinateDefinitions nor a VolumeReconstruction.",
                path=path,
            )
        )
    return PlusConfiguration(transforms, settings)


def read_plus_xml(path: str | Path) -> ElementTree.Element:
    """The root of a PLUS file in XML: a configuration, or a result. Raises ConfigurationError with the reason."""
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise ConfigurationError(tr("{path} is too large to be a PLUS configuration.", path=path))
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            tr(
                "The PLUS configuration {path} cannot be read ({strerror}); check the path.",
                path=path,
                strerror=error.strerror,
            )
        ) from None
    if b"<!ENTITY" in text:
        raise ConfigurationError(
            tr("{path} declares XML entities, which a PLUS configuration never needs: refused.", path=path)
        )
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ConfigurationError(
            tr("{path} is not well-formed XML ({error}); give a PLUS configuration.", path=path, error=error)
        ) from None
