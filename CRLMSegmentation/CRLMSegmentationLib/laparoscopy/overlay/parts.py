"""Parts of a liver's model: how they are called, and how they look over a picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..surface.mesh import Mesh, refined_mesh

if TYPE_CHECKING:
    from ..surface.clusters import ClusteredMesh

Color = tuple[int, int, int]
# A lens bends a longer edge visibly.
_LONGEST_EDGE_MM = 4.0


@dataclass(frozen=True)
class PartKind:
    """One kind of part: its name, and its colour (red, green, blue)."""

    name: str
    color: Color


LIVER = PartKind("liver", (130, 235, 255))
TUMORS = PartKind("tumors", (255, 200, 60))
CYSTS = PartKind("cysts", (150, 215, 190))
_KINDS = (
    (r"tumou?r|lesion|metasta", TUMORS),
    (r"cyst", CYSTS),
    (r"gall", PartKind("gallbladder", (80, 170, 90))),
    (r"portal", PartKind("portal vein", (205, 120, 255))),
    (r"hepatic", PartKind("hepatic veins", (80, 140, 255))),
    (r"arter", PartKind("arteries", (255, 80, 90))),
    (r"bil(e|iar)", PartKind("bile ducts", (110, 225, 110))),
    (r"vessel|vein", PartKind("vessels", (110, 150, 255))),
    (r"liver", LIVER),
)


@dataclass(frozen=True, eq=False)
class ModelPart:
    """kind of a part, and its surface in the model's frame."""

    kind: PartKind
    mesh: Mesh

    @cached_property
    def clusters(self) -> ClusteredMesh:
        """The mesh ready to be drawn from anywhere, its long edges refined; made once, which takes a moment."""
        from ..surface.clusters import clustered  # compiled kernels, which the start of a window or page does without

        return clustered(refined_mesh(self.mesh, _LONGEST_EDGE_MM))

    def moved(self, move: Callable[[np.ndarray], np.ndarray]) -> ModelPart:
        """The same with its points (n, 3) where `move` says."""
        return ModelPart(self.kind, Mesh(move(self.mesh.points), self.mesh.triangles))


def kind_of(name: str) -> PartKind | None:
    """What a surface of that name is, such as 'liver_tumours' or 'portal'; None for an unknown name."""
    return next((kind for pattern, kind in _KINDS if re.search(pattern, name.lower())), None)
