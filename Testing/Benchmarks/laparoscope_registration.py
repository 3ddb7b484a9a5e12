"""How far tumors lie off when a model is registered to simulated laparoscopic views, and a strip of a short recording.

    python Testing/Benchmarks/laparoscope_registration.py [--seeds N ...] [--views N] [--json FILE]
                                                             [--model NAME [--pictures FOLDER]]
    python Testing/Benchmarks/laparoscope_registration.py --strip FILE.jpg [--seeds N] [--model NAME]

For each view, from a start some 25 mm and 15 degrees off: the liver as it lies in the operation (its shape is known),
and the liver as it was in the CT, with a rigid pose and with its deformation. Errors are those at the tumors, in mm,
medians of the views; 'stated' is the root mean square of the error that was stated, divided by the true one.

Without --model the lines are the true ones that can be seen, with it those that the network finds in the simulated
pictures; these are drawn, or read where a study has them (--pictures STUDY/cases). Seeds are of development by default;
those of the test (30000 on) are for the one evaluation. All simulated. The file of --json has each view, too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation")]

import numpy as np  # noqa: E402
from CRLMSegmentationLib.errors import LaparoscopeError  # noqa: E402
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import read_picture, write_picture  # noqa: E402
from CRLMSegmentationLib.geometry import invert_affine, transform_points  # noqa: E402
from CRLMSegmentationLib.inference.predictor import LocalPredictor  # noqa: E402
from CRLMSegmentationLib.laparoscopy.lines.landmark_lines import lines_of_mask  # noqa: E402
from CRLMSegmentationLib.laparoscopy.network.landmark_finder import LandmarkFinder, landmark_model  # noqa: E402
from CRLMSegmentationLib.laparoscopy.overlay.drawing import draw_overlay  # noqa: E402
from CRLMSegmentationLib.laparoscopy.overlay.landmark_drawing import draw_landmarks  # noqa: E402
from CRLMSegmentationLib.laparoscopy.overlay.parts import LIVER, ModelPart, kind_of  # noqa: E402
from CRLMSegmentationLib.laparoscopy.pose.model_landmarks import ModelLandmarks  # noqa: E402
from CRLMSegmentationLib.laparoscopy.pose.registration import PoseRegistration, register_pose  # noqa: E402
from CRLMSegmentationLib.laparoscopy.pose.solver import moved  # noqa: E402
from CRLMSegmentationLib.laparoscopy.surface.mesh import Mesh, mesh_of  # noqa: E402
from CRLMSegmentationLib.simulation.laparoscope import draw_views  # noqa: E402
from CRLMSegmentationLib.simulation.laparoscope.looks import draw_pictures  # noqa: E402
from CRLMSegmentationLib.simulation.laparoscope.views import LaparoscopeViews, _Scene  # noqa: E402
from CRLMSegmentationLib.simulation.patient import draw_operation, draw_patient  # noqa: E402
from CRLMSegmentationLib.simulation.patient.export import surface_of  # noqa: E402
from CRLMSegmentationLib.simulation.patient.operation import Operation  # noqa: E402
from CRLMSegmentationLib.values.landmarks import LANDMARKS, Polyline  # noqa: E402

ROUGH = np.array([12.0, -12, 10, 8, 10, -9])
KEPT, RIGID, DEFORMED = "shape known, rigid", "of the CT, rigid", "of the CT, deformed"
_FRAMES, _STRIP_WIDTH = 6, 480
_SHOWN = (0, 2, 5)


@dataclass(frozen=True, eq=False)
class Case:
    """A patient: its model as in the CT and as in the operation, tumors in the CT, and where these lie there."""

    operation: Operation
    of_ct: ModelLandmarks
    of_operation: ModelLandmarks

    @property
    def tumors(self) -> np.ndarray:
        return np.array([one.center_ras for one in self.operation.patient.metastases])


def case_of(seed: int) -> Case:
    operation = draw_operation(draw_patient(seed))
    patient, to_operation = operation.patient, operation.deformation.to_operation
    liver = mesh_of(patient.surface)
    curves = {"ridge": patient.ridge, "ligament": patient.falciform_ligament}
    return Case(
        operation,
        ModelLandmarks(liver, {name: [line] for name, line in curves.items()}),
        ModelLandmarks(
            Mesh(to_operation(liver.points), liver.triangles),
            {name: [to_operation(line)] for name, line in curves.items()},
        ),
    )


def seen_lines(seen: np.ndarray) -> list[Polyline]:
    """Of the landmarks that can be seen (3, v, u) boolean; a ridge over the others where they cross."""
    mask = np.zeros(seen.shape[1:], dtype=np.uint8)
    for line, number in reversed(list(zip(seen, LANDMARKS.values()))):
        mask[line] = number
    return lines_of_mask(mask)


def true_pose(case: Case, views: LaparoscopeViews, number: int) -> np.ndarray:
    """(4, 4) from the patient's frame in the operation to the camera."""
    return invert_affine(views.camera_to_reference[number]) @ case.operation.patient_to_reference


def errors_of_view(
    case: Case, views: LaparoscopeViews, number: int, lines: list[Polyline]
) -> Iterator[tuple[str, np.ndarray | None, np.ndarray | None]]:
    """What was registered, the tumors' true errors, and the stated ones; None where it was refused."""
    pose, tumors = true_pose(case, views, number), case.tumors
    there = case.operation.deformation.to_operation(tumors)
    wanted = transform_points(pose, there)
    for what, model, places, deform in (
        (KEPT, case.of_operation, there, False), (RIGID, case.of_ct, tumors, False),
        (DEFORMED, case.of_ct, tumors, True),
    ):  # fmt: skip
        try:
            found = register_pose(model, views.camera, lines, moved(pose, ROUGH, model.liver.center), deform=deform)
        except LaparoscopeError as error:
            print(f"  {what}: {error}")
            yield what, None, None
            continue
        stated = np.array([found.error_mm(place) for place in places])
        yield what, np.linalg.norm(found.in_camera(places) - wanted, axis=1), stated


def lines_of_views(
    case: Case, views: LaparoscopeViews, finder: LandmarkFinder | None, pictures: Path | None
) -> Iterator[list[Polyline]]:
    """Of each view: the true ones that can be seen, or those that are found in its picture."""
    if finder is not None and pictures is not None:
        folder = pictures / f"scope{case.operation.patient.seed:05d}"
        for number in range(len(views.landmarks)):
            yield finder.find(read_picture(folder / f"picture_{number:03d}.png")).lines
        return
    drawn = draw_pictures(case.operation, views)
    for picture, seen in zip(drawn.pictures, drawn.seen):
        yield seen_lines(seen) if finder is None else finder.find(picture).lines


def measure(
    seeds: list[int], views_of_each: int, finder: LandmarkFinder | None, pictures: Path | None, each: list[dict]
) -> dict[str, dict[str, float | None]]:
    """By what is registered; None for the errors of what was refused in every view. Each view is added to `each`."""
    true: dict[str, list[np.ndarray]] = {}
    stated: dict[str, list[np.ndarray]] = {}
    refused = dict.fromkeys((KEPT, RIGID, DEFORMED), 0)
    for seed in seeds:
        case = case_of(seed)
        if not len(case.tumors):
            continue
        views = draw_views(case.operation, views_of_each)
        for number, lines in enumerate(lines_of_views(case, views, finder, pictures)):
            for what, errors, said in errors_of_view(case, views, number, lines):
                means = {} if errors is None else {"off_mm": errors.mean(), "stated_mm": said.mean()}
                each.append({"patient": seed, "view": number, "what": what, **means})
                if errors is None or said is None:
                    refused[what] += 1
                    continue
                true.setdefault(what, []).append(errors)
                stated.setdefault(what, []).append(said)
                print(f"  {seed} view {number}: {what}: {errors.mean():.1f} mm, stated {said.mean():.1f}", flush=True)
    nothing = dict.fromkeys(("median_mm", "largest_mm", "stated_to_true"))
    return {
        what: {
            "views": len(true.get(what, ())),
            "refused": count,
            **(_summary(true[what], stated[what]) if what in true else nothing),
        }
        for what, count in refused.items()
    }


def _summary(true: list[np.ndarray], stated: list[np.ndarray]) -> dict[str, float | None]:
    means = [float(one.mean()) for one in true]
    return {
        "median_mm": float(np.median(means)), "largest_mm": max(means), "stated_to_true": _rms(stated) / _rms(true),
    }  # fmt: skip


def _rms(values: list[np.ndarray]) -> float:
    return float(np.sqrt((np.concatenate(values) ** 2).mean()))


def strip(seed: int, path: str, finder: LandmarkFinder | None) -> None:
    """Three of six frames of a scope that moves: above with the landmarks that can be seen, or those that are found,
    below with the CT's model. It is deformed and registered in each frame from the pose of the former.
    """
    case = case_of(seed)
    first = draw_views(case.operation, 1)
    scene = _Scene(case.operation, first.camera)
    path_of_scope = []
    for share in np.linspace(0, 1, _FRAMES):
        step = np.eye(4)
        step[:3, 3] = [18 * share, -6 * share, 10 * share]
        path_of_scope.append(first.camera_to_reference[0] @ step)
    seen = [scene.look_from(pose) for pose in path_of_scope]
    views = LaparoscopeViews(
        first.camera, np.stack(path_of_scope), np.stack([one[0] for one in seen]), np.stack([one[1] for one in seen])
    )
    drawn = draw_pictures(case.operation, views)
    patient = case.operation.patient
    parts = [ModelPart(LIVER, case.of_ct.liver)]
    for name in ("portal", "hepatic", "lesions"):
        kind = kind_of(name)
        assert kind is not None
        parts.append(ModelPart(kind, mesh_of(surface_of(patient, name))))
    start = moved(true_pose(case, views, 0), ROUGH, case.of_ct.liver.center)
    rows: list[list[np.ndarray]] = [[], []]
    found: PoseRegistration | None = None
    for number in range(_FRAMES):
        lines = seen_lines(drawn.seen[number]) if finder is None else finder.find(drawn.pictures[number]).lines
        from_there = start if found is None else found.model_to_camera
        found = register_pose(case.of_ct, views.camera, lines, from_there, deform=True)
        bent = [part.moved(found.displaced) for part in parts]
        if number in _SHOWN:
            rows[0].append(draw_landmarks(drawn.pictures[number], lines))
            rows[1].append(draw_overlay(drawn.pictures[number], bent, views.camera, found.model_to_camera).picture)
        wanted = transform_points(true_pose(case, views, number), case.operation.deformation.to_operation(case.tumors))
        off = np.linalg.norm(found.in_camera(case.tumors) - wanted, axis=1)
        print(
            f"frame {number}: lines fit to {found.reprojection_px:.1f} px, tumors {off.mean():.1f} mm off", flush=True
        )
    picture = np.vstack([np.hstack([_smaller(one) for one in row]) for row in rows])
    import cv2

    cv2.putText(
        picture, "simulated", (10, picture.shape[0] - 12), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, 16
    )
    if Path(path).suffix == ".png":
        write_picture(picture, path)
    else:
        cv2.imwrite(path, picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])


def _smaller(picture: np.ndarray) -> np.ndarray:
    import cv2

    height = round(picture.shape[0] * _STRIP_WIDTH / picture.shape[1])
    small: np.ndarray = cv2.resize(picture, (_STRIP_WIDTH, height), interpolation=cv2.INTER_AREA)
    return small


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[*range(23000, 23006)])
    parser.add_argument("--views", type=int, default=4)
    parser.add_argument("--model", metavar="NAME", help="a trained model or its folder: lines as it finds them")
    parser.add_argument("--pictures", metavar="FOLDER", type=Path, help="the cases of a study, with their pictures")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--strip", metavar="FILE", help="make the strip of the first seed instead")
    arguments = parser.parse_args()
    finder = None
    if arguments.model:
        model = landmark_model(arguments.model)
        finder = LandmarkFinder(LocalPredictor(model, device="cpu", threads=1), model.card.threshold)
    if arguments.strip:
        strip(arguments.seeds[0], arguments.strip, finder)
        return
    each: list[dict] = []
    figures = measure(arguments.seeds, arguments.views, finder, arguments.pictures, each)
    print(
        "| the model is the liver | views | refused | median, mm | largest, mm | stated / true |\n" + "| --- " * 6 + "|"
    )
    for what, one in figures.items():
        errors = (
            "-" if one[key] is None else f"{one[key]:.2f}" for key in ("median_mm", "largest_mm", "stated_to_true")
        )
        print(f"| {what} | {one['views']} | {one['refused']} | {' | '.join(errors)} |")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({**figures, "each": each}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
