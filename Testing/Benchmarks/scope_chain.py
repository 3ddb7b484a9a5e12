"""A laparoscope that moves: the model seen and drawn in each frame, and the whole chain from a video to its overlay.

The chain is the product's: frames are taken as fast as they can be, landmarks are found in one while the model is drawn
over another (session.laparoscope.video_worker). Neither VTK nor OpenCV is needed with a finder that needs none.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
from CRLMSegmentationLib.geometry import invert_affine
from CRLMSegmentationLib.laparoscopy.overlay.drawing import draw_views, views_of
from CRLMSegmentationLib.laparoscopy.overlay.parts import LIVER, ModelPart, kind_of
from CRLMSegmentationLib.laparoscopy.surface.mesh import Mesh
from CRLMSegmentationLib.session.laparoscope.shown_frame import SWITCHES, Registered, ShownFrame
from CRLMSegmentationLib.session.laparoscope.video_sources import VideoFrame
from CRLMSegmentationLib.session.laparoscope.video_worker import Finder, VideoWorker
from CRLMSegmentationLib.sweep.tracked_frame import Pose, TrackedFrame
from CRLMSegmentationLib.values.camera import Camera
from CRLMSegmentationLib.values.camera_on_sensor import CameraOnSensor

_POSES = 24


def made_up_model(points_around: int = 330) -> tuple[list[ModelPart], Camera, np.ndarray]:
    """A lump as large as a liver with two trees of tubes in it, 1.28 million triangles where points_around is 330;
    a camera of 960 x 540 and a pose (4, 4) before it, mm.
    """
    rng = np.random.default_rng(0)
    lump = _closed(_lump(points_around, points_around))
    parts = [ModelPart(LIVER, lump)]
    for name in ("portal", "hepatic"):
        tubes = [_closed(_tube(rng, max(8, points_around // 14), 5 * points_around // 2)) for _ in range(14)]
        parts.append(ModelPart(kind_of(name) or LIVER, _together(tubes)))
    pose = np.eye(4)
    pose[:3, :3] = [[1, 0, 0], [0, 0.8, 0.6], [0, -0.6, 0.8]]
    pose[:3, 3] = 0, 0, 130
    intrinsics = np.array([[716.0, 0, 475], [0, 717, 262], [0, 0, 1]])
    return parts, Camera(intrinsics, (960, 540), np.array([-0.21, 0.02, 0, 0])), pose


def measure_moving(
    parts: Sequence[ModelPart], camera: Camera, pose: np.ndarray, picture: np.ndarray, repeats: int
) -> dict[str, float]:
    """Milliseconds, medians over a scope that moves, with the product's own threads: of the view, of the drawing, and
    of both, on the wall and of all processors together.
    """
    times: dict[str, list[float]] = {}
    for number, moved in enumerate(poses_around(pose, repeats + 1)):
        views = _both(times, "view", lambda moved=moved: views_of(parts, camera, moved))
        _both(times, "drawing", lambda views=views: draw_views(picture, parts, views))
        _both(times, "overlay", lambda moved=moved: draw_views(picture, parts, views_of(parts, camera, moved)))
        if number == 0:
            times.clear()  # compiled, and made ready to be drawn
    return {name: statistics.median(values) for name, values in times.items()}


def measure_chain(
    begin: Callable[[], tuple[Finder, Callable[[], None]]], parts: Sequence[ModelPart], camera: Camera,
    pose: np.ndarray, picture: np.ndarray, seconds: float, shown: Sequence[str] = SWITCHES,
) -> dict[str, float]:  # fmt: skip
    """Frames per second from the video to the overlay, and how many milliseconds after a frame came it was drawn; with
    how long the network and the lines took in it, medians. `begin` begins what finds landmarks, and gives what ends it.
    """
    sensor = CameraOnSensor("Scope", np.eye(4))
    feed = _Moving(picture, [invert_affine(one) for one in poses_around(pose, _POSES)])
    worker = VideoWorker(feed, begin, frozenset(shown))
    worker.on_sensor = sensor
    worker.registered = Registered(
        tuple(parts), views_of(parts, camera, pose), SimpleNamespace(model_to_camera=pose, is_deformed=False), 5.0,
        time.monotonic(), None, camera, invert_affine(pose),
    )  # fmt: skip
    drawn: list[ShownFrame] = []
    try:
        began = ends = 0.0
        while not ends or time.monotonic() < ends:
            if worker.problem or worker.unshown:
                raise RuntimeError(worker.problem or worker.unshown)
            newest = worker.newest
            is_new = newest is not None and newest.network_ms is not None and (not drawn or drawn[-1] is not newest)
            if is_new and not ends and worker.frames_per_second > 1:
                began = time.monotonic()
                ends = began + seconds
            if is_new:
                drawn = [*drawn, newest] if ends else [newest]
            time.sleep(0.0005)
    finally:
        worker.close()
    late = [one.late_ms for one in drawn if one.late_ms is not None]
    return {
        "frames_per_second": (len(drawn) - 1) / (drawn[-1].frame.came_s - drawn[0].frame.came_s),
        "late_ms": statistics.median(late),
        "late_ms_slowest_of_20": float(np.quantile(late, 0.95)),
        "network_ms": statistics.median(one.network_ms for one in drawn),
        "lines_ms": statistics.median(one.post_ms for one in drawn),
        "frames": len(drawn),
    }


def poses_around(pose: np.ndarray, count: int) -> list[np.ndarray]:
    """`count` poses (4, 4), as of a scope that is moved to and fro by 6 mm and 3 degrees."""
    found = []
    for angle in 2 * np.pi * np.arange(count) / max(1, count):
        turn, step = np.radians(3) * np.sin(angle), np.eye(4)
        step[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
        step[:3, 3] = 6 * np.sin(angle), 4 * np.sin(2 * angle), 5 * np.cos(angle)
        found.append(step @ pose)
    return found


class _Moving:
    """Frames of a tracked scope that moves: there is always a next one, and it comes when it is taken."""

    title, waiting_for = "made up", ""

    def __init__(self, picture: np.ndarray, places: Sequence[np.ndarray]):
        self.has_ended = False
        self._picture, self._places, self._number = picture, places, 0

    def next(self) -> VideoFrame:
        sensor = Pose(self._places[self._number % len(self._places)], True)
        frame = TrackedFrame(self._picture, None, time.time(), valid=False, transforms={"ScopeToReference": sensor})
        self._number += 1
        return VideoFrame(str(self._number), self._picture, time.monotonic(), frame)

    def close(self) -> None:
        self.has_ended = True


def _both(times: dict[str, list[float]], name: str, what):
    began, worked = time.perf_counter(), time.process_time()
    done = what()
    times.setdefault(f"{name}_ms", []).append(1000 * (time.perf_counter() - began))
    times.setdefault(f"{name}_processors_ms", []).append(1000 * (time.process_time() - worked))
    return done


def _lump(around: int, along: int) -> np.ndarray:
    """(along, around, 3) mm: a ball with waves, 200 x 150 x 110 mm."""
    down, turn = np.meshgrid(
        np.linspace(0.01, np.pi - 0.01, along), 2 * np.pi * np.arange(around) / around, indexing="ij"
    )
    radius = 1 + 0.05 * np.sin(3 * turn) * np.sin(down) ** 3 + 0.04 * np.cos(5 * down)
    unit = np.stack([np.sin(down) * np.cos(turn), np.sin(down) * np.sin(turn), np.cos(down)], axis=-1)
    lump: np.ndarray = radius[..., None] * unit * [100.0, 75, 55]
    return lump


def _tube(rng: np.random.Generator, around: int, along: int) -> np.ndarray:
    """(along, around, 3) mm: a bent tube through the lump that becomes thinner."""
    share = np.linspace(0, 1, along)[:, None]
    ends = rng.uniform(-0.6, 0.6, (3, 3)) * [100.0, 75, 55]
    middle = (1 - share) ** 2 * ends[0] + 2 * share * (1 - share) * ends[1] + share**2 * ends[2]
    ahead = np.gradient(middle, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    aside = np.cross(ahead, rng.normal(size=3))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    turn = 2 * np.pi * np.arange(around) / around
    ring = np.cos(turn)[:, None] * aside[:, None] + np.sin(turn)[:, None] * np.cross(ahead, aside)[:, None]
    return middle[:, None] + (4.0 - 3 * share)[:, None] * ring


def _closed(grid: np.ndarray) -> Mesh:
    """The surface through rings of points (along, around, 3), with a point at either end; facing outwards."""
    along, around = grid.shape[:2]
    number = np.arange(along * around).reshape(along, around)
    beside = np.roll(number, -1, axis=1)
    first, last = along * around, along * around + 1
    triangles = np.vstack([
        np.stack([number[:-1], number[1:], beside[:-1]], axis=-1).reshape(-1, 3),
        np.stack([beside[:-1], number[1:], beside[1:]], axis=-1).reshape(-1, 3),
        np.column_stack([np.full(around, first), number[0], beside[0]]),
        np.column_stack([np.full(around, last), beside[-1], number[-1]]),
    ])  # fmt: skip
    points = np.vstack([grid.reshape(-1, 3), grid[0].mean(axis=0), grid[-1].mean(axis=0)])
    return Mesh(points, triangles)


def _together(meshes: Sequence[Mesh]) -> Mesh:
    begins = np.cumsum([0, *(len(mesh.points) for mesh in meshes)])
    triangles = [mesh.triangles + begin for mesh, begin in zip(meshes, begins)]
    return Mesh(np.vstack([mesh.points for mesh in meshes]), np.vstack(triangles))
