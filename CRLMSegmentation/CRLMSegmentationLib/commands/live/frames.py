"""Where the frames come from, and how fast: a recording in order, a recording in its own time, or a stream."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

from ...live.live_tumor import LiveTumor
from ...sweep import TrackedFrame
from ...tracking import Receiver
from ...tracking.replay.replay_times import replay_times
from ...values.progress import Progress
from ..options.sweep_options import calibration_from, configuration_from

# Called again and again, so that what was found is taken before much of it waits.
Collect = Callable[[], object]
_LOOK_EVERY_S = 0.005


def outline_in_order(frames: Sequence[TrackedFrame], live: LiveTumor, collect: Collect, progress: Progress) -> None:
    """Every frame, each when the network has nothing to do: none is overtaken."""
    for number, frame in enumerate(frames):
        live.submit(frame)
        live.outliner.wait_for_turn()
        collect()
        progress((number + 1) / len(frames), f"frame {number + 1} of {len(frames)}")


def outline_in_its_time(
    frames: Sequence[TrackedFrame],
    live: LiveTumor,
    collect: Collect,
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Every frame at its timestamp, as a probe would send it: the newest wins, and late ones are dropped."""
    elapsed_s = replay_times(frames).elapsed_s
    began_s = clock()
    for number, frame in enumerate(frames):
        while (early_s := began_s + elapsed_s[number] - clock()) > 0:
            collect()
            sleep(min(early_s, _LOOK_EVERY_S))
        live.submit(frame, began_s + elapsed_s[number])
        collect()
        progress((number + 1) / len(frames), f"frame {number + 1} of {len(frames)}")


def outline_stream(arguments: argparse.Namespace, live: LiveTumor, collect: Collect, progress: Progress) -> list[str]:
    """What a server sends, until --seconds have passed since the first frame, it closes, or Ctrl-C.

    Returns sentences about the stream. Raises StreamError when there is no server, or no image comes for --timeout.
    """
    calibration = calibration_from(arguments, configuration_from(arguments))
    receiver = Receiver(
        arguments.host, arguments.port, calibration, arguments.reference or "Reference", arguments.image_name
    )
    first_s, last_s, taken = 0.0, time.monotonic(), 0
    try:
        with receiver:
            receiver.wait_until_connected(arguments.timeout)
            last_s = time.monotonic()
            while not (arguments.seconds and first_s and time.monotonic() - first_s >= arguments.seconds):
                closed = arguments.until_closed and receiver.was_closed
                frame = receiver.get(0 if closed else _LOOK_EVERY_S)
                now_s = time.monotonic()
                if frame is not None:
                    first_s, last_s, taken = first_s or now_s, now_s, taken + 1
                    live.submit(frame, now_s)
                elif closed:
                    break
                elif now_s - last_s > arguments.timeout:
                    raise receiver.no_image_error(arguments.timeout)
                collect()
                progress(min(1.0, (now_s - first_s) / arguments.seconds) if arguments.seconds and first_s else 0.0,
                         f"{taken} frames")  # fmt: skip
    except KeyboardInterrupt:
        if not taken:
            raise
    status = receiver.status
    return [*status.notes, *([status.usual_pose_problem] if status.usual_pose_problem else [])]
