"""A simulated stylus comes towards the tumor over OpenIGTLink, and is lost on the way: what navigation shows of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...calibration.accuracy.budget import Budget
from ...geometry import transform_points
from ...navigation.stated_distance import distance_text, explanation
from ...sweep import Pose, Sweep, write_sweep
from .folder import APPROACH

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...session.session import Session

_FRAMES = 25
_START_MM, _END_MM = 60.0, 4.0
_LOST_FRAME = 12


def approach_tumor(session: Session, folder: Path) -> list[float | None]:
    """Move the stylus towards the session's tumor; the distances shown in mm, None where it was lost."""
    from ...session.recordings.replay_process import ReplayProcess
    from ...tracking import Receiver

    sweep, path = session.recording.sweep, folder / APPROACH
    surface = session.tumor.surface
    assert sweep is not None and surface is not None  # the tumor was found in the sweep
    write_sweep(approach_sweep(sweep, surface), path)
    distances: list[float | None] = []
    budget: Budget | None = None
    print("\nA simulated stylus moves towards the tumor (tip to surface, negative inside):")
    with ReplayProcess(path) as port, Receiver(port=port) as receiver:
        for number, frame in enumerate(receiver.frames(until_closed=True)):
            session.stream.show_frame(frame)
            # PLUS is silent about a tool that it does not see.
            if "StylusToReference" not in frame.transforms:
                session.tools.update("StylusToReference", Pose(np.eye(4), False))
            reading = session.tools.reading("Stylus")
            distance = reading.signed_distance_mm
            distances.append(None if distance is None else round(distance, 3))
            if number % 4 == 0 or distance is None:
                text = "stylus lost" if distance is None else distance_text(distance, reading.budget)
                print(f"           {text}")
                budget = reading.budget or budget
    if budget is not None:
        print(f"           {explanation(budget)}")
    return distances


def approach_sweep(sweep: Sweep, surface: vtkPolyData) -> Sweep:
    """The image plane nearest the tumor, held still, while a stylus comes in from the probe's side."""
    from ...navigation.distance import TumorDistance

    center = np.array(surface.GetCenter())
    planes = [(frame, plane) for frame in sweep.valid_frames if (plane := frame.plane) is not None]
    frame, plane = min(planes, key=lambda entry: float(np.linalg.norm(entry[1].middle - center)))
    top = transform_points(plane.image_to_reference, (frame.image_size[0] * 0.8, 0, 0))
    outward = (top - center) / np.linalg.norm(top - center)
    entry = TumorDistance(surface).closest_point(center + outward * 200).point_ras
    side = np.cross(outward, [0.0, 0.0, 1.0] if abs(outward[2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    # A stylus points along its own -z: its shaft lies outward of the tip.
    rotation = np.column_stack([side, np.cross(outward, side), outward])
    steps = np.linspace(_START_MM, _END_MM, _FRAMES)
    poses = []
    for number, distance in enumerate(steps):
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, entry + outward * distance
        poses.append(Pose(matrix, number != _LOST_FRAME))
    tip = Pose(np.eye(4))
    return Sweep(
        [
            frame.with_changes(
                timestamp=1 + number / 10, transforms={"StylusToReference": pose, "StylusTipToStylus": tip}
            )
            for number, pose in enumerate(poses)
        ],
        "approach",
    )
