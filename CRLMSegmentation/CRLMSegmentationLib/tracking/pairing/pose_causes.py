"""Why frames have no valid pose: one sentence for people."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from ...sweep import Pose
from ...sweep.pose_path import PosePath
from ...words import tr

_LONGEST_NAME = 20
_LASTING = ("times", "clocks", "names", "fixed")


class PoseCauses:
    """Counts the causes, of every frame.

    now    the cause of the newest frame; '' when it has a valid pose
    lasting  the same where the sender or the calibration has to be changed, and not only the probe moved into view
    usual  that of most frames without a valid pose; '' when all have one
    """

    def __init__(self) -> None:
        self.now = self.usual = self.lasting = ""
        self._counts: Counter[str] = Counter()
        self._sentences: dict[str, str] = {}

    def valid(self) -> None:
        """A frame with a valid pose."""
        self.now = self.lasting = ""

    def invalid(self, kind: str, sentence: str) -> None:
        """A frame without one. `kind` is one of a few labels, whatever the numbers in the sentence."""
        self._counts[kind] += 1
        self._sentences[kind] = self.now = sentence
        self.lasting = sentence if kind in _LASTING else ""
        self.usual = self._sentences[self._counts.most_common(1)[0][0]]


def cause_of_missing_pose(
    path: PosePath | None, measured: Mapping[str, Pose], samples: Mapping[str, tuple[float, bool, bool]],
    unusable_names: tuple[str, ...], reference: str, interpolation_gap_s: float | None,
) -> tuple[str, str]:  # fmt: skip
    """Why `measured` gives no valid pose of the image: a label of the kind, and a sentence.

    path      the way from Image to `reference` over all transforms that ever came
    samples   of each transform that ever came: how far in time its nearest measurement lies from the image (in
              seconds), whether it is still sent, and whether its times distinguish its measurements
    """
    if path is None:
        if unusable_names:
            names = ", ".join(f"'{name}'" for name in unusable_names)
            return "names", tr(
                "{names} is not the name of a transform as PLUS writes them ('ProbeToReference')", names=names
            )
        known = sorted({*measured, *samples})
        if not known:
            return "nothing", tr("no transforms come with the images")
        cut = any(len(name) == _LONGEST_NAME for name in known)
        return "way", (
            tr(
                "{known} come, from which ImageTo{reference} cannot be found: a calibration such as "
                "ImageToProbe is missing, or the reference has another name",
                known=", ".join(known),
                reference=reference,
            )
            + (tr(" (names of 20 characters may have been cut on the way)") if cut else "")
        )
    if not path.measured:
        names = ", ".join(name for name, _, _ in path.steps)
        return "fixed", tr(
            "only fixed transforms ({names}) lead from the image to {reference}: nothing is measured",
            names=names,
            reference=reference,
        )
    needed = [name for name, _, is_fixed in path.steps if not is_fixed]
    for name in needed:
        if name in samples and not samples[name][2]:
            return "times", tr(
                "the sender gives several {name} the same time, so that they cannot be assigned to images", name=name
            )
    missing = [name for name in needed if name not in measured]
    for name in missing:
        apart_s, is_still_sent, _ = samples.get(name, (math.inf, False, True))
        if is_still_sent and math.isfinite(apart_s):
            is_near = interpolation_gap_s is None and apart_s < 1
            advice = tr("; interpolation between them can be asked for") if is_near else ""
            return "clocks", tr(
                "the times of {name} are {seconds} from the images'{advice}",
                name=name,
                seconds=_seconds(apart_s),
                advice=advice,
            )
    if missing:
        return "lost", not_seen(tr("{missing} does not come", missing=missing[0]))
    lost = next((name for name in needed if not measured[name].valid), needed[0])
    return "lost", not_seen(f"{lost} is {measured[lost].status}")


def not_seen(what: str) -> str:
    """The sentence for a probe or reference that is out of view, or was not measured for another reason."""
    return tr("the tracker does not see all that leads to the image ({what})", what=what)


def _seconds(value: float) -> str:
    """A time between two clocks, for people."""
    return f"{value:.2g} s" if value < 1000 else f"{value:.1e} s".replace("e+0", "e").replace("e+", "e")
