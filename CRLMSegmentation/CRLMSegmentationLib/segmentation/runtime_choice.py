"""Which runtime a model gets: the fastest one that, on a fixed window, gives what torch in float32 gives.

The check runs every time a model is loaded, as the first pass that has to be done anyway. What torch answers is kept on
disk under the hash of weights and plans, so that it is computed once for a model and not at every start.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ModelError
from . import openvino_runtime
from .network_plan import NetworkPlan
from .openvino_runtime import OpenVinoRuntime
from .runtime import TorchRuntime
from .runtime_cache import cache_folder, keep_answer, kept_answer, key_of

# 'auto' is the fastest of the others that agrees; 'openvino' is its float32.
RUNTIMES = ("auto", "torch", "openvino", "openvino-bfloat16")
# Of the probability, for float32: what nnU-Net's own half-precision sums already lose.
LARGEST_DIFFERENCE = 1e-3
# Of the masks, and of the probability, for bfloat16, which is not meant to be equal to the last digit.
SMALLEST_DICE = 0.995
LARGEST_MEAN_DIFFERENCE = 5e-3
MIRRORED_BATCH = 8


@dataclass(frozen=True)
class Chosen:
    """runtimes  one for each fold, all of one kind
    notice    a sentence for the user when it is not the runtime that was expected; else ''
    """

    runtimes: tuple[Any, ...]
    notice: str = ""


def choose(
    plan: NetworkPlan, parameters: list[dict], device: str, runtime: str, threads: int, make_runtime=OpenVinoRuntime
) -> Chosen:
    """A runtime for every fold. Raises ModelError for an unknown one, or when OpenVINO is asked for and cannot."""
    if runtime not in RUNTIMES:
        raise ModelError(f"There is no runtime '{runtime}': choose {', '.join(RUNTIMES)}.")
    if device == "cuda":
        return Chosen(tuple(
            TorchRuntime(plan.network(weights), plan.patch_size, device, MIRRORED_BATCH) for weights in parameters
        ))
    installed = openvino_runtime.is_installed()
    if runtime == "torch" or (runtime == "auto" and not installed):
        return Chosen(on_processor(plan, parameters))
    if not installed:
        raise ModelError("OpenVINO is not installed: install the package openvino, or choose the runtime 'torch'.")
    candidates, reasons = [], []
    for precision in _precisions(runtime):
        try:
            candidates.append(tuple(
                _checked(plan, weights, fold, threads, precision, make_runtime)
                for fold, weights in enumerate(parameters)
            ))
        except _Disagrees as reason:
            reasons.append(str(reason))
    if candidates:
        return Chosen(_fastest(candidates, plan))
    if runtime != "auto":
        raise ModelError(f"OpenVINO cannot run the model '{plan.model.name}' ({reasons[0]}).")
    return Chosen(on_processor(plan, parameters), f"OpenVINO is not used for this model ({reasons[0]}).")


def on_processor(plan: NetworkPlan, parameters: list[dict]) -> tuple[TorchRuntime, ...]:
    """The reference: torch in float32."""
    return tuple(TorchRuntime(plan.network(weights), plan.patch_size, "cpu") for weights in parameters)


def differs(answer: np.ndarray, expected: np.ndarray, threshold: float, precision: str) -> str:
    """Why `answer` does not stand for `expected`, both a probability; '' when it does.

    float32 must be equal to LARGEST_DIFFERENCE; bfloat16 must give the same mask to SMALLEST_DICE.
    """
    apart = np.abs(answer - expected)
    if not np.isfinite(answer).all():
        return "its probability is not finite"
    if precision == "f32":
        return "" if apart.max() <= LARGEST_DIFFERENCE else f"its probability differs from torch's by {apart.max():.1g}"
    # A network that finds nothing at its own threshold still tells at the middle of its answers.
    cuts = [cut for cut in (threshold,) if 0 < np.count_nonzero(expected >= cut) < expected.size]
    for cut in cuts or [float(np.median(expected))]:
        dice = _dice(answer >= cut, expected >= cut)
        if dice < SMALLEST_DICE:
            return f"in bfloat16 its mask agrees with torch's only to Dice {dice:.3f}"
    mean = float(apart.mean())
    return "" if mean <= LARGEST_MEAN_DIFFERENCE else f"in bfloat16 its probability differs by {mean:.1g} on average"


class _Disagrees(Exception):
    """Why a runtime is not used."""


def _precisions(runtime: str) -> tuple[str, ...]:
    if runtime == "auto":
        return ("bf16", "f32") if openvino_runtime.computes_in_bfloat16() else ("f32",)
    return ("bf16",) if runtime == "openvino-bfloat16" else ("f32",)


def _checked(plan: NetworkPlan, weights: dict, fold: int, threads: int, precision: str, make_runtime):
    import openvino
    import torch

    card = plan.model.card
    key = key_of(card.sha256[card.weights[fold]], card.sha256["plans.json"], card.configuration, openvino.__version__)
    file, answer_file = cache_folder() / f"{key}.xml", cache_folder() / f"{key}.npy"
    windows = torch.from_numpy(_test_window(plan.patch_size))
    try:
        candidate = make_runtime(lambda: plan.network(weights), plan.patch_size, threads, file, precision)
        answer = _tumor(candidate.run(windows))
    except ModelError:
        raise
    except Exception as error:
        # OpenVINO's converter and compiler raise kinds of their own; whatever it is, torch can do the work.
        raise _Disagrees(str(error).splitlines()[0][:200] if str(error) else type(error).__name__) from error
    expected = kept_answer(answer_file, answer.shape)
    if expected is None:
        expected = _tumor(TorchRuntime(plan.network(weights), plan.patch_size, "cpu").run(windows))
        keep_answer(answer_file, expected)
    reason = differs(answer, expected, card.threshold, precision)
    if reason:
        if precision == "f32":
            for stale in (file, file.with_suffix(".bin"), answer_file):
                stale.unlink(missing_ok=True)
        raise _Disagrees(reason)
    return candidate


def _fastest(candidates: list[tuple], plan: NetworkPlan) -> tuple:
    """Of those that agree; the first pass of each is done, so that one more tells its time."""
    import torch

    if len(candidates) == 1:
        return candidates[0]
    windows = torch.from_numpy(_test_window(plan.patch_size))
    seconds = []
    for runtimes in candidates:
        started = time.perf_counter()
        runtimes[0].run(windows)
        seconds.append(time.perf_counter() - started)
    return candidates[int(np.argmin(seconds))]


def _test_window(patch_size) -> np.ndarray:
    """(1, 1, k, j, i) float32: speckle with a dark ball, normalised as nnU-Net normalises, always the same."""
    random = np.random.default_rng(20)
    speckle = random.rayleigh(1.0, patch_size)
    from_middle = [np.linspace(-1, 1, size) ** 2 for size in patch_size]
    radius = sum(np.meshgrid(*from_middle, indexing="ij", sparse=True))
    window = np.where(radius < 0.25, 0.4, 1.0) * speckle
    window = (window - window.mean()) / window.std()
    return window[None, None].astype(np.float32)


def _tumor(logits) -> np.ndarray:
    """Probability of the last label, float32."""
    import torch

    return torch.softmax(logits.float(), dim=1)[0, -1].numpy()


def _dice(mask: np.ndarray, other: np.ndarray) -> float:
    together = int(mask.sum()) + int(other.sum())
    return 2 * int((mask & other).sum()) / together if together else 1.0
