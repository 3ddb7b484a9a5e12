"""The tumor in every frame, all together: outlines, evidence in 3D, the proposed box, the agreement with a known tumor.

What a session and `crlm live` both use: frames go in, and what was found in them comes out.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..inference.protocol import LivePredictor
from ..reconstruction import ReconstructionSettings
from ..sweep import TrackedFrame
from ..values import Volume
from ..values.defaults import DEFAULT_BOX_MARGIN_MM
from .agreement import Agreement, MovedWatch, agreement
from .box_proposal import BoxProposal, propose_box
from .evidence import Evidence, evidence_settings
from .outline import FrameOutline
from .outliner import Outliner, OutlinerStatus
from .surface_cut import contours_in_image

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

NOTHING_KNOWN = Agreement(math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True, eq=False)
class ComparedOutline:
    """An outline beside the cut of the known tumor by the plane of its frame.

    outline  what the network marks
    cut      closed outlines of the known tumor, (n, 2) pixels (u, v) each; none without a tumor, or without a pose
    agreement  of the two; all NaN without a tumor, or without a pose
    """

    outline: FrameOutline
    cut: tuple[np.ndarray, ...] = ()
    agreement: Agreement = NOTHING_KNOWN


class LiveTumor:
    """Outlines frames and gathers what is found. May be used as a context; all methods return at once.

    predictor   answers for live frames; its owner closes it, after this
    grey        how the grey levels are reconstructed: the evidence is of the same part of the image
    threshold   probability from which a pixel is tumor; None for the model's own
    """

    def __init__(
        self, predictor: LivePredictor, grey: ReconstructionSettings | None = None, threshold: float | None = None
    ) -> None:
        self._settings = evidence_settings(grey)
        self._threshold = predictor.model.card.threshold if threshold is None else threshold
        self._lock = threading.Lock()  # of what the outliner's thread and its owner share
        self._evidence = Evidence(self._settings)
        self._watch = MovedWatch()
        self._moved = ""
        self._surface: vtkPolyData | None = None
        self._found: deque[ComparedOutline] = deque()
        self.outliner = Outliner(predictor, threshold, self._gather)

    def __enter__(self) -> LiveTumor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def status(self) -> OutlinerStatus:
        """Of the frames so far; its `problem` is also that of gathering."""
        return self.outliner.status

    @property
    def evidence(self) -> Evidence:
        """What the frames say together."""
        return self._evidence

    def submit(self, frame: TrackedFrame, received_s: float | None = None) -> None:
        """See Outliner.submit()."""
        self.outliner.submit(frame, received_s)

    def set_tumor(self, surface: vtkPolyData | None) -> None:
        """The known tumor, RAS mm; None for none. It is copied: outlines are compared with it in another thread."""
        own = None
        if surface is not None:
            own = surface.NewInstance()
            own.DeepCopy(surface)
        with self._lock:
            self._surface, self._moved = own, ""
            self._watch.forget()

    def take(self) -> list[ComparedOutline]:
        """What has been found since the last call, beside the known tumor, in the order of the frames."""
        with self._lock:
            found = list(self._found)
            self._found.clear()
        return found

    @property
    def moved_warning(self) -> str:
        """A sentence when the tumor has moved against its model (see MovedWatch); ''."""
        return self._moved

    def propose_box(self, margin_mm: float = DEFAULT_BOX_MARGIN_MM) -> BoxProposal | None:
        """The box around what was gathered so far; None while there is too little. Takes some tenths of a second."""
        volume = self._evidence.volume()
        return None if volume is None else propose_box(volume, self._threshold, margin_mm)

    def evidence_and_box(self) -> tuple[Volume | None, BoxProposal | None]:
        """What was gathered so far, and the box that follows from it, with the usual margin."""
        volume = self._evidence.volume()
        return volume, None if volume is None else propose_box(volume, self._threshold)

    def begin_anew(self) -> None:
        """Forget what was gathered, as for another sweep."""
        with self._lock:
            before, self._evidence = self._evidence, Evidence(self._settings)
            self._watch.forget()
            self._moved = ""
        # It inserts what waits first.
        threading.Thread(target=before.close, name="evidence end", daemon=True).start()

    def close(self) -> None:
        """End the threads, once what has come is gathered. evidence and propose_box() can still be asked."""
        self.outliner.close()
        self._evidence.close()

    def _gather(self, outline: FrameOutline, probability: np.ndarray) -> None:
        """In the outliner's thread."""
        with self._lock:
            evidence, surface = self._evidence, self._surface
            evidence.add(outline.frame, probability)
        compared = _compared(outline, surface)
        with self._lock:
            if surface is self._surface and surface is not None:
                self._watch.note(compared.agreement)
                self._moved = self._watch.sentence
            self._found.append(compared)


def _compared(outline: FrameOutline, surface: vtkPolyData | None) -> ComparedOutline:
    pose = outline.image_to_reference
    if surface is None or pose is None:
        return ComparedOutline(outline)
    cut = tuple(contours_in_image(surface, pose))
    return ComparedOutline(outline, cut, agreement(outline.polygons, cut, pose))
