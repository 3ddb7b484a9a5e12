"""Between the parameter node and the session: what the user has changed is handed on, once, and errors are reported;
what the session has otherwise, as from a case that was opened, is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from CRLMSegmentationLib.session import actions

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.session import Session

    from .panels.step_panel import StepPanel
    from .parameters import Parameters

_NONE, _SAME = object(), 1e-6


class Binding:
    """Compares the parameters with what the session was given last.

    panels  StepPanel by name: what goes wrong is shown in the line of state of the panel that the setting belongs to
    """

    def __init__(self, session: Session, parameters: Parameters, panels: Mapping[str, StepPanel]):
        self._session, self._parameters, self._panels = session, parameters, panels
        self._given = {}
        # The model's own threshold stands until the user moves the slider.
        self._given["threshold"] = parameters.threshold

    def apply(self) -> None:
        """Hand on what has changed; then show what somebody else has changed in the session."""
        session, parameters = self._session, self._parameters
        for name, panel, hand_on in (
            ("liveReconstruction", "record", self._live),
            ("spacingMm", "record", self._spacing),
            ("recordFolder", "record", self._folder),
            ("boxIsTight", "box", self._tight),
            ("device", "segment", lambda device: session.engine.set_device(device.value)),
            ("threshold", "segment", self._threshold),
            ("smoothing", "segment", session.tumor.set_smoothing),
            ("showUncertainty", "segment", session.structures.show_uncertainty),
            ("marginMm", "navigate", lambda margin_mm: actions.MARGIN.run(session, margin_mm)),
        ):
            value = getattr(parameters, name)
            if self._given.get(name, _NONE) == value:
                continue
            self._given[name] = value
            with self._panels[panel].attempt():
                hand_on(value)
        self.update_from_session()

    def update_from_session(self) -> None:
        """The widgets show what the session goes by, whoever has set it: a case that was opened brings its own margin,
        smoothing and kind of box.
        """
        session, parameters = self._session, self._parameters
        for name, there in (
            ("boxIsTight", session.box.is_tight if session.box.value is not None else None),
            ("smoothing", session.tumor.smoothing),
            ("showUncertainty", session.structures.shows_uncertainty),
            ("marginMm", session.structures.margin_mm),
        ):
            shown = getattr(parameters, name)
            # What the user has just changed is handed on first.
            if there is None or self._given.get(name, _NONE) != shown or abs(there - shown) <= _SAME:
                continue
            self._given[name] = type(shown)(there)
            setattr(parameters, name, self._given[name])

    def show_threshold(self) -> None:
        """A segmentation has come: the slider shows the threshold it was made with."""
        threshold = self._session.tumor.threshold
        if threshold is not None and abs(threshold - self._parameters.threshold) > 1e-3:
            self._given["threshold"] = float(threshold)
            self._parameters.threshold = float(threshold)

    def _live(self, wanted: bool) -> None:
        self._session.recording.live_reconstruction = wanted

    def _spacing(self, spacing_mm: float) -> None:
        self._session.volume.settings = replace(self._session.volume.settings, spacing_mm=spacing_mm)

    def _folder(self, folder: Path) -> None:
        self._session.recording.folder = folder
        self._session.accuracy.read(folder, self._session.report)
        self._session.calibration.file = Path(folder) / "calibrations.json"
        self._session.preoperative.folder = Path(folder) / "ct"

    def _threshold(self, threshold: float) -> None:
        if self._session.tumor.result is not None:
            self._session.tumor.set_threshold(threshold)

    def _tight(self, tight: bool) -> None:
        box = self._session.box.value
        if box is not None:
            self._session.box.set(box, tight)
