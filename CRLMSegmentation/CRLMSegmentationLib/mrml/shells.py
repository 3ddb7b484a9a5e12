"""What is drawn around the tumor: the shell at the margin, and how far the model is unsure of the border."""

from __future__ import annotations

from ..navigation.margin_shell import margin_shell
from ..session.jobs.latest import Latest
from . import names
from .conversion import put_surface
from .nodes import find, get_or_create, is_stale, mark_stale

_MODEL = "vtkMRMLModelNode"
_MARGIN_COLOR, _OUTER_COLOR, _INNER_COLOR = (0.35, 0.75, 1.0), (1.0, 0.55, 0.15), (0.75, 0.95, 0.3)


class Shells:
    """Model nodes around one tumor, made in the background."""

    def __init__(self, scene):
        self._scene = scene
        self._margin, self._unsure = Latest("margin shell"), Latest("uncertainty shell")
        self._shown: dict[str, tuple] = {}

    @property
    def is_busy(self) -> bool:
        return self._margin.is_busy or self._unsure.is_busy

    def show_missing(self) -> None:
        """Put those into the scene again that are to be shown and are not in it any more."""
        for name, (surface, color, opacity) in list(self._shown.items()):
            if find(self._scene, _MODEL, name) is None:
                self._put(name, surface, color, opacity)

    def show_margin(self, surface, margin_mm: float) -> None:
        """Around this surface (vtkPolyData, RAS mm; not changed any more); None or 0 mm hides it."""
        if surface is None or margin_mm <= 0:
            self._margin.drop()
            self._hide(names.MARGIN)
            return
        self._margin.request(
            lambda: lambda: margin_shell(surface, margin_mm),
            lambda shell: self._put(names.MARGIN, shell, _MARGIN_COLOR, 0.2),
            lambda error: self._hide(names.MARGIN),
        )

    def show_uncertainty(self, result) -> None:
        """Of this SegmentationResult; None hides it."""
        if result is None:
            self._unsure.drop()
            self._hide(names.UNCERTAINTY_OUTER, names.UNCERTAINTY_INNER)
            return
        self._unsure.request(
            lambda: result.uncertainty_shell,
            self._put_unsure,
            lambda error: self._hide(names.UNCERTAINTY_OUTER, names.UNCERTAINTY_INNER),
        )

    def process(self) -> None:
        """Show what has been computed."""
        self._margin.process()
        self._unsure.process()

    def forget(self) -> None:
        """What is being computed, or was shown, is not wanted any more."""
        self._shown.clear()
        self._margin.drop()
        self._unsure.drop()

    def close(self) -> None:
        self._margin.close()
        self._unsure.close()

    def nodes(self) -> list:
        """Those that are in the scene."""
        shells = (names.MARGIN, names.UNCERTAINTY_OUTER, names.UNCERTAINTY_INNER)
        return [find(self._scene, _MODEL, name) for name in shells]

    def margin_node(self):
        """None while there is none or it is hidden."""
        node = find(self._scene, _MODEL, names.MARGIN)
        return None if is_stale(node) else node

    def _put_unsure(self, surfaces) -> None:
        for name, surface, color in zip(
            (names.UNCERTAINTY_OUTER, names.UNCERTAINTY_INNER), surfaces, (_OUTER_COLOR, _INNER_COLOR)
        ):
            if surface is None:
                self._hide(name)
            else:
                self._put(name, surface, color, 0.25)

    def _put(self, name: str, surface, color, opacity: float) -> None:
        self._shown[name] = surface, color, opacity
        is_new = find(self._scene, _MODEL, name) is None
        node = get_or_create(self._scene, _MODEL, name, with_display=True)
        put_surface(node, surface)
        if is_new:
            display = node.GetDisplayNode()
            display.SetColor(*color)
            display.SetOpacity(opacity)
            display.SetVisibility2D(True)
            # Seen from outside, the near half would veil the tumor and the tools within.
            display.SetBackfaceCulling(False)
        mark_stale(node, False)

    def _hide(self, *shells: str) -> None:
        for name in shells:
            self._shown.pop(name, None)
            mark_stale(find(self._scene, _MODEL, name), True)
