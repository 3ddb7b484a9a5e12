"""How a laparoscope's video and the search for landmarks go, for people."""

from __future__ import annotations

from ...tracking.age import Age
from ...words import tr
from .video_worker import VideoWorker


def text_of(worker: VideoWorker, aligning: str, is_old: bool, age: Age) -> str:
    """A sentence, or two.

    aligning  what a person does with the model over a picture that is held; ''
    is_old    no frame came for a while; age of the newest one
    """
    if worker.is_starting:
        return tr("The network for landmarks is being loaded.")
    if aligning:
        return aligning
    if is_old:
        return " ".join([tr("No frame has come for {age}: this one is old.", age=age), worker.waiting_for]).strip()
    frame = worker.newest
    if frame is None and worker.is_playing:
        return worker.waiting_for or tr("No frame has come yet.")
    if frame is None or frame.network_ms is None:
        return tr("No landmarks are looked for.")
    times = tr(
        "network {network_ms:.0f} ms, lines {post_ms:.0f} ms", network_ms=frame.network_ms, post_ms=frame.post_ms
    )
    fps, late_ms = worker.frames_per_second, frame.late_ms
    if late_ms is None:
        return tr("{fps:.0f} frames/s", fps=fps) + f"; {times}"
    return tr("{fps:.0f} frames/s, each drawn {late_ms:.0f} ms after it came", fps=fps, late_ms=late_ms) + f"; {times}"
