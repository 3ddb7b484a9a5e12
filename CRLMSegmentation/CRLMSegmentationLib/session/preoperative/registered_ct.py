"""The CT in the operation: by landmarks of a file, or by those that a stylus touches while they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError
from ...geometry import transform_points
from ...navigation.tool_transforms import DEFAULT_TOOL
from ...preoperative.into_operation import InOperation, bring_into_operation
from ...preoperative.landmark_registration import LEAST_LANDMARKS, Landmarks, read_landmarks
from ...words import tr
from ..recording import RecordingPart
from ..state import NO_CT_RESULT, NOTHING_SEEN
from ..tools import Tools
from ..volume import VolumePart
from .looked_at import LookedAt
from .opened_ct import OpenedCt

# A landmark that is touched once more lies no further from where it was in the CT.
_SAME_MM = 1.0
_SEEN_IN = "the ultrasound of this case"


@dataclass(frozen=True)
class TouchedLandmark:
    """One place: RAS mm of the CT, and in Reference where the tip of `tool` touched it, or where it was found in the
    ultrasound ('').
    """

    ct_ras_mm: tuple[float, float, float]
    reference_mm: tuple[float, float, float]
    tool: str


class RegisteredCt(LookedAt):
    """At most one CT at a time, and where it lies in Reference, if that is known.

    volume, recording  what the operation's ultrasound saw
    tools     whose tips touch landmarks
    edited    called when what a saved case holds of the CT is out of date

    registration  of this CT with Reference; None without
    touched       landmarks of this CT, in the order in which they were touched
    """

    def __init__(
        self, volume: VolumePart, recording: RecordingPart, tools: Tools, on_error: Callable[[Exception], None],
        edited: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__(on_error)
        self.registration: InOperation | None = None
        self.touched: tuple[TouchedLandmark, ...] = ()
        self._volume, self._recording, self._tools, self._edited = volume, recording, tools, edited
        self._private: list[str] = []

    def place_of(self, folder: Path | None) -> np.ndarray | None:
        """(4, 4) from the CT to Reference, RAS mm, of the result in `folder`; None where that is not the result of this
        CT, or this is not registered.
        """
        own = None if self.ct is None else self.ct.folder
        if self.registration is None or own is None or folder is None or own.resolve() != folder.resolve():
            return None
        return self.registration.ct_to_reference

    def register(self, landmarks: str | Path) -> InOperation:
        """Bring the CT into Reference by the landmarks of a file, see landmark_registration.read_landmarks().

        Raises ConfigurationError and FileFormatError; an earlier registration stays then.
        """
        self._checked()
        self._private.append(str(landmarks))
        return self._register(read_landmarks(landmarks))

    def touch(self) -> TouchedLandmark:
        """The place that is looked at in the CT is where the tip of the stylus is now; of another tool where no stylus
        is live. A landmark that was touched before is touched anew.

        Raises ConfigurationError while no tool is live, and for one whose tip is not calibrated.
        """
        ct = self._checked()
        live = [one for one in self._tools.readings() if one.tip_ras is not None]
        live.sort(key=lambda one: one.name != DEFAULT_TOOL)
        if not live or live[0].tip_ras is None:
            raise ConfigurationError(
                tr("No tool is live: hold the tip of the stylus at the landmark, in the tracker's sight.")
            )
        if np.array_equal(self._tools.tip_to_tool(live[0].name), np.eye(4)):
            raise ConfigurationError(tr("The tip of {name} is not calibrated: calibrate it first.", name=live[0].name))
        return self._add(TouchedLandmark(_plain(ct.slices.point_of(self.at)), _plain(live[0].tip_ras), live[0].name))

    def find(self, point_reference_mm: np.ndarray) -> TouchedLandmark:
        """The place that is looked at in the CT is at this point (3,) of the ultrasound's volume, in Reference.

        Raises ConfigurationError without a volume, and for a point outside of it.
        """
        ct, volume = self._checked(), self._volume.value
        if volume is None:
            raise ConfigurationError(NOTHING_SEEN)
        index = transform_points(volume.ras_to_ijk, np.asarray(point_reference_mm, dtype=float))
        if not ((index >= -0.5) & (index <= np.array(volume.dimensions) - 0.5)).all():
            raise ConfigurationError(tr("That place lies outside of the ultrasound's volume: click within it."))
        return self._add(TouchedLandmark(_plain(ct.slices.point_of(self.at)), _plain(point_reference_mm), ""))

    def _add(self, new: TouchedLandmark) -> TouchedLandmark:
        place = np.array(new.ct_ras_mm)
        away = [float(np.linalg.norm(place - np.array(one.ct_ras_mm))) for one in self.touched]
        kept = list(self.touched)
        if away and min(away) < _SAME_MM:
            kept[int(np.argmin(away))] = new
        else:
            kept.append(new)
        self.touched = tuple(kept)
        self.changed()
        return new

    def drop_touched(self) -> None:
        """The landmark that was added last does not count. Raises ConfigurationError when there is none."""
        if not self.touched:
            raise ConfigurationError(tr("No landmark was touched yet."))
        self.touched = self.touched[:-1]
        self.changed()

    def register_touched(self) -> InOperation:
        """Bring the CT into Reference by the landmarks that were touched. Raises ConfigurationError; an earlier
        registration stays then.
        """
        self._checked()
        if len(self.touched) < LEAST_LANDMARKS:
            raise ConfigurationError(
                tr(
                    "Touch at least {least_landmarks} landmarks first; {touched} were.",
                    least_landmarks=LEAST_LANDMARKS,
                    touched=len(self.touched),
                )
            )
        names = tuple(str(number + 1) for number in range(len(self.touched)))
        ct, reference = (
            np.array([getattr(one, side) for one in self.touched]) for side in ("ct_ras_mm", "reference_mm")
        )
        return self._register(Landmarks(names, ct, reference))

    def unregister(self) -> None:
        """The CT is not in Reference any more; what was touched stays."""
        self.registration = None
        self._edited()
        self.changed()

    def _register(self, landmarks: Landmarks) -> InOperation:
        volume, sweep = self._volume.value, self._recording.sweep
        corners = volume.corners_ras() if volume is not None else sweep.corners_ras() if sweep is not None else None
        if corners is None or not len(corners):
            raise ConfigurationError(NOTHING_SEEN)
        ct = self._checked()
        assert ct.result is not None, "it was checked"
        extent = corners.min(axis=0), corners.max(axis=0)
        self.registration = bring_into_operation(ct.result, landmarks, extent, _SEEN_IN)
        self._edited()
        self.changed()
        return self.registration

    def _checked(self) -> OpenedCt:
        if self.ct is None or self.ct.result is None:
            raise ConfigurationError(NO_CT_RESULT)
        return self.ct


def _plain(point: np.ndarray) -> tuple[float, float, float]:
    r, a, s = (float(one) for one in point)
    return r, a, s
