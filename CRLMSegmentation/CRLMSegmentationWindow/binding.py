"""Between the parameter node and the session: what the user has changed is handed on, once, and errors are told; what
the session has otherwise, as from a case that was opened, is shown.
"""

from __future__ import annotations

from dataclasses import replace

_NONE, _SAME = object(), 1e-6


class Binding:
    """Compares the parameters with what the session was told last.

    panels  StepPanel by name: what goes wrong is told in the line of state of the panel that the setting belongs to
    """

    def __init__(self, session, parameters, panels):
        self._session, self._parameters, self._panels = session, parameters, panels
        self._told = {}
        # The model's own threshold stands until the user moves the slider.
        self._told["threshold"] = parameters.threshold

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
            ("marginMm", "navigate", session.structures.set_margin_mm),
        ):
            value = getattr(parameters, name)
            if self._told.get(name, _NONE) == value:
                continue
            self._told[name] = value
            with self._panels[panel].attempt():
                hand_on(value)
        self.take_from_session()

    def take_from_session(self) -> None:
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
            if there is None or self._told.get(name, _NONE) != shown or abs(there - shown) <= _SAME:
                continue
            self._told[name] = type(shown)(there)
            setattr(parameters, name, self._told[name])

    def take_threshold(self) -> None:
        """A segmentation has come: the slider shows the threshold it was made with."""
        threshold = self._session.tumor.threshold
        if threshold is not None and abs(threshold - self._parameters.threshold) > 1e-3:
            self._told["threshold"] = float(threshold)
            self._parameters.threshold = float(threshold)

    def _live(self, wanted: bool) -> None:
        self._session.recording.live_reconstruction = wanted

    def _spacing(self, spacing_mm: float) -> None:
        self._session.volume.settings = replace(self._session.volume.settings, spacing_mm=spacing_mm)

    def _folder(self, folder) -> None:
        self._session.recording.folder = folder

    def _threshold(self, threshold: float) -> None:
        if self._session.tumor.result is not None:
            self._session.tumor.set_threshold(threshold)

    def _tight(self, tight: bool) -> None:
        box = self._session.box.value
        if box is not None:
            self._session.box.set(box, tight)
