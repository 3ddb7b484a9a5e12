"""An MR or CT volume to an ultrasound volume: LC2, a derivative-free optimiser, and a second opinion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import GeometryError
from ...files.coordinates import image_on_grid
from ...geometry import LPS_TO_RAS, transform_points
from ...values import Volume
from ...values.progress import Progress
from ...words import tr
from .lc2 import LC2, coarser, seen_corners
from .transform import AFFINE, RIGID, TransformModel, distance_mm

# Voxels and patches of the search, and of the refinement: wide patches see further, and place less exactly.
COARSE_MM, COARSE_PATCH_MM = 3.5, 21.0
FINE_MM, FINE_PATCH_MM = 2.0, 14.0
# Beside each start so many transforms are tried, as far away as this, and the best of them climbed from: simulated
# livers that had moved by 15 mm and 10 degrees were missed from fewer.
_TRIED, _AWAY_MM, _AWAY_DEG = 256, 18.0, 10.0
_CLIMBED = 6
# From landmarks, this share of it.
_NEAR = 0.3
# Shifts in mm, turns in degrees, growth and shear in percent.
_REACH = np.array([25.0] * 3 + [20.0] * 3 + [8.0] * 6)
# Simulated livers have 0.13 or more in the right place, smooth noise in the place of the MR reaches 0.085.
LEAST_SIMILARITY = 0.1
LEAST_PEAK = 0.02
MOST_APART_MM = 4.0
_BESIDE_MM = 6.0


@dataclass(frozen=True, eq=False)
class Registration:
    """What a registration found.

    fixed_to_moving  (4, 4) RAS mm: where a point of the ultrasound lies in the other volume
    similarity       LC2, 0 to 1;  similarity_at_start  at the best of the starts
    peak             by how much it is higher than 6 mm beside, in the direction in which it falls least
    second_opinion_mm  by how much mutual information, started there, would move the mask; None where it failed
    doubts           sentences for people
    """

    fixed_to_moving: np.ndarray
    similarity: float
    peak: float
    second_opinion_mm: float | None
    doubts: tuple[str, ...]
    similarity_at_start: float = 0.0


def register(
    moving: Volume,
    fixed: Volume,
    starts: Sequence[np.ndarray],
    target: np.ndarray,
    affine: bool = False,
    near: bool = False,
    progress: Progress | None = None,
) -> Registration:
    """The transform between `fixed` (ultrasound) and `moving` under which LC2 is highest.

    starts  (4, 4) each, fixed RAS to moving RAS: where the search begins
    target  (n, 3) RAS mm in the moving volume: where it matters, such as points of the mask
    near    the starts are right to some millimetres and degrees: nothing further away is tried
    The optimiser is COBYQA (Ragonneau and Zhang 2022, successor of Powell's BOBYQA), as scipy has it: no derivatives.

    Raises GeometryError where the two have no room in common.
    """
    report = progress or (lambda fraction, text: None)
    moving = windowed(moving)
    reach = np.where(np.arange(AFFINE) < RIGID, _NEAR if near else 1.0, 1.0) * _REACH
    about = seen_corners(fixed).mean(axis=0)
    coarse = LC2(coarser(fixed, COARSE_MM), coarser(moving, COARSE_MM), COARSE_PATCH_MM)
    report(0.1, tr("Searching coarsely"))
    candidates = []
    for start in starts:
        model = TransformModel(start, about)
        for numbers in (_NEAR if near else 1.0) * _places_to_try():
            candidates.append((coarse(model.matrix(numbers)), model, numbers))
    candidates.sort(key=lambda one: -one[0])
    if candidates[0][0] <= 0:
        raise GeometryError(
            tr(
                "The ultrasound and the other volume have nothing in common where the search begins: "
                "give --start-points."
            )
        )
    found = [_climbed(coarse, model, numbers, 0.2 * reach[0], reach, 20) for _, model, numbers in candidates[:_CLIMBED]]
    _, model, numbers = max(found, key=lambda one: one[0])
    report(0.5, tr("Refining"))
    fine = LC2(coarser(fixed, FINE_MM), coarser(moving, FINE_MM), FINE_PATCH_MM)
    similarity, model, numbers = _climbed(fine, model, numbers, 2.0, reach)
    if affine:
        numbers = np.concatenate([numbers, np.zeros(AFFINE - RIGID)])
        similarity, model, numbers = _climbed(fine, model, numbers, 1.0, reach)
    matrix = model.matrix(numbers)
    report(0.85, tr("Asking for a second opinion"))
    away = second_opinion_mm(coarser(fixed, FINE_MM), coarser(moving, FINE_MM), matrix, target)
    peak = similarity - max(
        fine(model.matrix(numbers + _BESIDE_MM * sign * np.eye(len(numbers))[axis]))
        for axis in range(3)
        for sign in (-1, 1)
    )
    doubts = _doubts(similarity, peak, away, bool((np.abs(numbers) > 0.98 * reach[: len(numbers)]).any()))
    return Registration(matrix, similarity, peak, away, doubts, max(fine(start) for start in starts))


def windowed(volume: Volume) -> Volume:
    """A CT with the values of soft tissue and contrast alone: air and bone would outweigh them. Others as they are."""
    if float(volume.voxels.min()) > -300:
        return volume
    return replace(volume, voxels=np.clip(volume.voxels, -100, 300))


def second_opinion_mm(fixed: Volume, moving: Volume, fixed_to_moving: np.ndarray, target: np.ndarray) -> float | None:
    """How far mutual information (Mattes et al. 2003, SimpleITK), started at a transform, moves `target` (n, 3)."""
    import SimpleITK

    still, other = (
        SimpleITK.Cast(image_on_grid(one.voxels.astype(np.float32), one.ijk_to_ras), SimpleITK.sitkFloat32)
        for one in (fixed, moving)
    )
    start = SimpleITK.Euler3DTransform()
    lps = LPS_TO_RAS @ fixed_to_moving @ LPS_TO_RAS
    rigid = SimpleITK.AffineTransform(3)
    rigid.SetMatrix(lps[:3, :3].ravel().tolist())
    rigid.SetTranslation(lps[:3, 3].tolist())
    start.SetCenter((LPS_TO_RAS[:3, :3] @ seen_corners(fixed).mean(axis=0)).tolist())
    method = SimpleITK.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    if fixed.seen is not None:
        method.SetMetricFixedMask(image_on_grid(fixed.seen.astype(np.uint8), fixed.ijk_to_ras))
    method.SetMovingInitialTransform(rigid)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 0.02, 60)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInterpolator(SimpleITK.sitkLinear)
    method.SetInitialTransform(start, inPlace=True)
    try:
        method.Execute(still, other)
    except RuntimeError:
        return None
    points = transform_points(np.linalg.inv(fixed_to_moving), target) @ LPS_TO_RAS[:3, :3].T
    moved = np.array([start.TransformPoint(point.tolist()) for point in points])
    return float(np.linalg.norm(moved - points, axis=1).mean())


def _climbed(
    similarity: Callable[[np.ndarray], float],
    model: TransformModel,
    numbers: np.ndarray,
    step: float,
    reach: np.ndarray,
    tries: int = 45,
) -> tuple[float, TransformModel, np.ndarray]:
    from scipy.optimize import Bounds, minimize

    reach = np.maximum(reach[: len(numbers)], np.abs(numbers) + 0.1)

    def opposite(values: np.ndarray) -> float:
        return -similarity(model.matrix(values))

    found = minimize(
        opposite, numbers.astype(np.float64), method="COBYQA", bounds=Bounds(-reach, reach),
        options={"initial_tr_radius": step, "final_tr_radius": 0.1, "maxfev": tries * len(numbers), "scale": False},
    )  # fmt: skip
    return -float(found.fun), model, np.asarray(found.x, dtype=np.float64)


def _places_to_try() -> np.ndarray:
    """(n, 6) shifts in mm and turns in degrees, evenly spread (Sobol); the first is none at all."""
    from scipy.stats import qmc

    spread = qmc.Sobol(RIGID, scramble=False).random(_TRIED)
    numbers: np.ndarray = (2 * spread - 1) * np.array([_AWAY_MM] * 3 + [_AWAY_DEG] * 3)
    numbers[0] = 0
    return numbers


def _doubts(similarity: float, peak: float, away_mm: float | None, is_at_the_end: bool) -> tuple[str, ...]:
    doubts = []
    if similarity < LEAST_SIMILARITY:
        doubts.append(
            tr("The similarity is low ({similarity:.2f}): the two may not show the same place.", similarity=similarity)
        )
    if peak < LEAST_PEAK:
        doubts.append(tr("{mm:g} mm beside, the two fit nearly as well: the place is not sure.", mm=_BESIDE_MM))
    if away_mm is None:
        doubts.append(tr("Mutual information gave no second opinion."))
    elif away_mm > MOST_APART_MM:
        doubts.append(tr("Mutual information would put the tumor {mm:.1f} mm elsewhere.", mm=away_mm))
    if is_at_the_end:
        doubts.append(tr("The search ended at its border: begin nearer, with --start-points."))
    return tuple(doubts)


__all__ = ["Registration", "distance_mm", "register", "second_opinion_mm", "windowed"]
