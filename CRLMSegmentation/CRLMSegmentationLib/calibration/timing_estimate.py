"""What a temporal calibration has found, and what follows from it, for people."""

from __future__ import annotations

from dataclasses import dataclass

from ..words import tr

# A delay that is not known to so much is not known, and one below so many standard errors may be none.
_KNOWN_TO_S, _SURELY = 0.005, 3.0
# A probe whose calibration is right moves the images as far as itself.
_WRONG_SCALE = 1.3


@dataclass(frozen=True)
class TimingEstimate:
    """What was found.

    image_delay_s     the images show what was so many seconds before their timestamp; see FramePairing. PLUS calls its
                      negative the LocalTimeOffsetSec of the video device
    standard_error_s  by resampling the recording second by second
    correlation       of image motion and pose motion at that delay, 1 at best
    frames            pairs of neighbouring frames that it is based on
    scale             how far the images move for each mm of the poses: 1 with a right calibration; None when the size
                      of the pixels is not known
    """

    image_delay_s: float
    standard_error_s: float
    correlation: float
    frames: int
    scale: float | None = None

    @property
    def is_known(self) -> bool:
        """True when the delay is known to some milliseconds. Otherwise this recording cannot tell it."""
        return self.standard_error_s <= _KNOWN_TO_S and not self.doubt

    @property
    def is_to_be_set(self) -> bool:
        """True when it is known, and is surely not 0."""
        return self.is_known and abs(self.image_delay_s) > _SURELY * self.standard_error_s

    @property
    def doubt(self) -> str:
        """What speaks against the calibration, for people; '' when nothing does."""
        if self.scale is None or 1 / _WRONG_SCALE < self.scale < _WRONG_SCALE:
            return ""
        return tr(
            "the images move by {scale:.2f} mm for each mm that the poses move along the beam: "
            "ImageToProbe seems to be wrong",
            scale=self.scale,
        )

    @property
    def judgement(self) -> str:
        """What follows from it, in one sentence for people."""
        if self.doubt:
            return tr("This recording cannot tell the delay: {doubt}.", doubt=self.doubt)
        if not self.is_known:
            return tr(
                "This recording cannot tell the delay, which is known to {error_ms:.0f} ms only: "
                "move the probe up and down more quickly and at changing speed, by a centimetre about "
                "once a second.",
                error_ms=1000 * self.standard_error_s,
            )
        if not self.is_to_be_set:
            least_ms = 1000 * max(_SURELY * self.standard_error_s, abs(self.image_delay_s))
            return tr(
                "Images and poses agree to within {least_ms:.1f} ms: there is no delay to be set.", least_ms=least_ms
            )
        return tr("The delay to be set is {delay_ms:.1f} ms.", delay_ms=1000 * self.image_delay_s)

    def __str__(self) -> str:
        return tr(
            "the images are {delay_ms:.1f} ± {error_ms:.1f} ms {late} (correlation {correlation:.3f}, {frames} frames)",
            delay_ms=1000 * abs(self.image_delay_s),
            error_ms=1000 * self.standard_error_s,
            late=tr("late") if self.image_delay_s >= 0 else tr("early"),
            correlation=self.correlation,
            frames=self.frames,
        )
