"""How a laparoscope's video and the search for landmarks go, for people."""

from __future__ import annotations

from ...tracking.age import Age
from .video_worker import VideoWorker


def text_of(worker: VideoWorker, aligning: str, is_old: bool, age: Age) -> str:
    """A sentence, or two.

    aligning  what a person does with the model over a picture that is held; ''
    is_old    no frame came for a while; age of the newest one
    """
    if worker.is_starting:
        return "The network for landmarks is being loaded."
    if aligning:
        return aligning
    if is_old:
        return " ".join([f"No frame has come for {age}: this one is old.", worker.waiting_for]).strip()
    frame = worker.newest
    if frame is None and worker.is_playing:
        return worker.waiting_for or "No frame has come yet."
    if frame is None or frame.network_ms is None:
        return "No landmarks are looked for."
    times = f"network {frame.network_ms:.0f} ms, lines {frame.post_ms:.0f} ms"
    return f"{worker.frames_per_second:.0f} frames/s; {times}"
