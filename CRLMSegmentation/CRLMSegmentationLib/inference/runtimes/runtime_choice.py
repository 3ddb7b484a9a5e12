"""Which runtime a model gets: the fastest one that, on a fixed window, gives what torch in float32 gives.

8 bits are tried only where the model's card says how well they agree on crops (quantisation.py); the window is then no
more than a check that nothing is broken here.

The check runs every time a model is loaded, as the first pass that has to be done anyway. What torch answers is kept on
disk under the hash of weights and plans, so that it is computed once for a model and not at every start. Which of those
that agree was the fastest is kept, too, for this processor, these threads and versions: the next start prepares and
checks that one alone, and looks at all of them again only when it no longer agrees. Where passes take long, float32 is
not tried beside a bfloat16 that agrees: the processor multiplies it in half the time, and every pass delays the first
answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...errors import ModelError
from ...words import tr
from ..models.card import DATASET, PLANS
from ..models.network_plan import NetworkPlan
from . import openvino_runtime
from .openvino_runtime import OpenVinoRuntime
from .quantisation import Layers, NotInEightBits, in_eight_bits, layers_of
from .runtime import Runtime, TorchRuntime
from .runtime_cache import cache_folder, keep_answer, keep_choice, kept_answer, kept_choice, key_of

if TYPE_CHECKING:
    import torch

Parameters = dict[str, "torch.Tensor"]

# 'auto' is the fastest of the others that agrees; 'openvino' is its float32.
RUNTIMES = ("auto", "torch", "openvino", "openvino-bfloat16", "openvino-int8")
# Of the probability, for float32: what nnU-Net's own half-precision sums already lose.
LARGEST_DIFFERENCE = 1e-3
# Of the masks, and of the probability, for bfloat16, which is not meant to be equal to the last digit.
SMALLEST_DICE = 0.995
LARGEST_MEAN_DIFFERENCE = 5e-3
# Of the masks in 8 bits, on the made-up window: crops have shown the rest.
SMALLEST_DICE_IN_EIGHT_BITS = 0.95
# In 8 bits it must take less than this share of the others' time, or nothing is won for the digits that are lost.
LARGEST_SHARE_OF_TIME = 0.9
# Passes by which the fastest is found; a long one is enough.
MOST_ROUNDS, ENOUGH_S = 5, 1.0
MIRRORED_BATCH = 8


@dataclass(frozen=True)
class Chosen:
    """What was chosen, and why it is not what was expected.

    runtimes  one for each fold, all of one kind
    notice    a sentence for the user when it is not the runtime that was expected; else ''
    not_in_eight_bits  why 'auto' does not compute in 8 bits; '' when it does, or was not asked
    has_run  a first pass of each has been done
    """

    runtimes: tuple[Runtime, ...]
    notice: str = ""
    not_in_eight_bits: str = ""
    has_run: bool = False


def choose(
    plan: NetworkPlan,
    parameters: list[Parameters],
    device: str,
    runtime: str,
    threads: int,
    make_runtime: MakeRuntime = OpenVinoRuntime,
    clock: Callable[[], float] = time.perf_counter,
) -> Chosen:
    """A runtime for every fold. Raises ModelError for an unknown one, or when OpenVINO is asked for and cannot.

    make_runtime, clock  what makes OpenVINO's runtimes and what times them in seconds, for tests
    """
    if runtime not in RUNTIMES:
        raise ModelError(
            tr("There is no runtime '{runtime}': choose {runtimes}.", runtime=runtime, runtimes=", ".join(RUNTIMES))
        )
    if device == "cuda":
        return Chosen(
            tuple(
                TorchRuntime(plan.network(weights), plan.patch_size, device, MIRRORED_BATCH) for weights in parameters
            )
        )
    installed = openvino_runtime.is_installed()
    if runtime == "torch" or (runtime == "auto" and not installed):
        return Chosen(on_processor(plan, parameters))
    if not installed:
        raise ModelError(tr("OpenVINO is not installed: install the package openvino, or choose the runtime 'torch'."))
    precisions = _precisions(runtime)
    choice_file = cache_folder() / f"{_key_of_choice(plan, precisions, threads)}.json"
    kept = kept_choice(choice_file) if len(precisions) > 1 else {}
    if kept.get("precision") in precisions:
        candidates, _ = _candidates(plan, parameters, (kept["precision"],), threads, make_runtime, clock)
        if candidates:
            return Chosen(candidates[kept["precision"]], "", kept.get("not_in_eight_bits", ""), has_run=True)
    candidates, reasons = _candidates(plan, parameters, precisions, threads, make_runtime, clock)
    if "f32" in reasons and "int8" in candidates:
        del candidates["int8"]
        # The window says too little of 8 bits to trust them where float32 itself is not computed as in torch.
        reasons["int8"] = f"in float32 OpenVINO differs here: {reasons['f32']}"
    if candidates:
        fastest = _fastest(candidates, plan, clock)
        if fastest != "int8" and "int8" in candidates:
            reasons["int8"] = "in 8 bits it is not faster here"
        not_in_eight_bits = reasons.get("int8", "")
        if len(precisions) > 1:
            keep_choice(choice_file, {"precision": fastest, "not_in_eight_bits": not_in_eight_bits})
        return Chosen(candidates[fastest], "", not_in_eight_bits, has_run=True)
    if runtime != "auto":
        raise ModelError(
            tr(
                "OpenVINO cannot run the model '{name}' so ({next}).",
                name=plan.model.name,
                next=next(iter(reasons.values())),
            )
        )
    notice = f"OpenVINO is not used for this model ({reasons['f32']})."
    return Chosen(on_processor(plan, parameters), notice, reasons["int8"])


def _candidates(
    plan: NetworkPlan,
    parameters: list[Parameters],
    precisions: Sequence[str],
    threads: int,
    make_runtime: MakeRuntime,
    clock: Callable[[], float],
) -> tuple[dict[str, tuple[Runtime, ...]], dict[str, str]]:
    """The runtimes that agree, one for each fold, and why the others do not, by precision."""
    candidates: dict[str, tuple[Runtime, ...]] = {}
    reasons: dict[str, str] = {}
    for precision in precisions:
        try:
            layers: Sequence[Layers | None] = _layers(plan) if precision == "int8" else [None] * len(parameters)
            checked = [
                _checked(plan, weights, fold, threads, precision, make_runtime, layers[fold], clock)
                for fold, weights in enumerate(parameters)
            ]
        except (_Disagrees, NotInEightBits) as reason:
            reasons[precision] = str(reason)
            continue
        candidates[precision] = tuple(runtime for runtime, _ in checked)
        # 8 bits want to know how float32 agrees.
        if precision == "bf16" and "int8" not in candidates and min(seconds for _, seconds in checked) > ENOUGH_S:
            break
    return candidates, reasons


def _key_of_choice(plan: NetworkPlan, precisions: Sequence[str], threads: int) -> str:
    """Of all on which it depends: the whole model with its card, processor, threads, versions, what is tried."""
    import torch

    openvino = openvino_runtime.import_openvino()
    processor = openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")
    model = json.dumps(asdict(plan.model.card), sort_keys=True, default=str)
    return key_of("choice", model, processor, str(threads), openvino.__version__, torch.__version__, *precisions)


def on_processor(plan: NetworkPlan, parameters: list[Parameters]) -> tuple[TorchRuntime, ...]:
    """The reference: torch in float32."""
    return tuple(TorchRuntime(plan.network(weights), plan.patch_size, "cpu") for weights in parameters)


def differs(answer: np.ndarray, expected: np.ndarray, threshold: float, precision: str) -> str:
    """Why `answer` does not stand for `expected`, both a probability; '' when it does.

    float32 must be equal to LARGEST_DIFFERENCE; bfloat16 must give the same mask to SMALLEST_DICE, 8 bits to
    SMALLEST_DICE_IN_EIGHT_BITS.
    """
    kind = {"bf16": "bfloat16", "int8": "8 bits"}.get(precision)
    smallest = SMALLEST_DICE_IN_EIGHT_BITS if precision == "int8" else SMALLEST_DICE
    apart = np.abs(answer - expected)
    if not np.isfinite(answer).all():
        return "its probability is not finite"
    if precision == "f32":
        return "" if apart.max() <= LARGEST_DIFFERENCE else f"its probability differs from torch's by {apart.max():.1g}"
    # A network that finds nothing at its own threshold still says something at the middle of its answers, but for 8
    # bits, which do not keep the order of what is nearly 0.
    cuts = [cut for cut in (threshold,) if 0 < np.count_nonzero(expected >= cut) < expected.size]
    if not cuts and precision != "int8":
        cuts = [float(np.median(expected))]
    for cut in cuts:
        dice = _dice(answer >= cut, expected >= cut)
        if dice < smallest:
            return f"in {kind} its mask agrees with torch's only to Dice {dice:.3f}"
    mean = float(apart.mean())
    return "" if mean <= LARGEST_MEAN_DIFFERENCE else f"in {kind} its probability differs by {mean:.1g} on average"


class MakeRuntime(Protocol):
    """Makes the runtime that stands beside torch's: OpenVinoRuntime, or a test's own."""

    def __call__(
        self,
        make_network: Callable[[], torch.nn.Module],
        patch_size: Sequence[int],
        threads: int,
        file: Path | None,
        precision: str,
        smallest: Sequence[int] | None,
        channels: int,
        /,
    ) -> Runtime: ...


class _Disagrees(Exception):
    """Why a runtime is not used."""


def _precisions(runtime: str) -> tuple[str, ...]:
    if runtime == "auto":
        return ("int8", "bf16", "f32") if openvino_runtime.computes_in_bfloat16() else ("int8", "f32")
    return ({"openvino-bfloat16": "bf16", "openvino-int8": "int8"}.get(runtime, "f32"),)


def _layers(plan: NetworkPlan) -> list[Layers]:
    """Of every fold. Raises NotInEightBits."""
    if not openvino_runtime.computes_in_eight_bits():
        raise NotInEightBits("this processor has no instructions for 8 bits (VNNI)")
    return layers_of(plan.model.card)


def _checked(
    plan: NetworkPlan,
    weights: Parameters,
    fold: int,
    threads: int,
    precision: str,
    make_runtime: MakeRuntime,
    layers: Layers | None,
    clock: Callable[[], float],
) -> tuple[Runtime, float]:
    """The runtime of a fold, and the seconds that its first pass took. Raises _Disagrees."""
    import torch

    card, version = plan.model.card, openvino_runtime.import_openvino().__version__
    made_of: tuple[str, ...] = (
        card.sha256[card.weights[fold]],
        card.sha256[PLANS],
        card.sha256[DATASET],
        card.configuration,
        version,
    )
    answer_file = cache_folder() / f"{key_of(*made_of)}.npy"
    if layers:
        made_of += (json.dumps({name: asdict(layer) for name, layer in layers.items()}),)
    file = cache_folder() / f"{key_of(*made_of)}.xml"
    windows = torch.from_numpy(_test_window(plan.channels, plan.patch_size))

    def network() -> torch.nn.Module:
        return in_eight_bits(plan.network(weights), layers) if layers else plan.network(weights)

    try:
        candidate = make_runtime(
            network, plan.patch_size, threads, file, precision, plan.smallest_window, plan.channels
        )
        started = clock()
        logits = candidate.run(windows)
        seconds = clock() - started
        answer = _foreground(logits, plan)
    except (ModelError, NotInEightBits):
        raise
    except Exception as error:
        # OpenVINO's converter and compiler raise kinds of their own; whatever it is, torch can do the work.
        raise _Disagrees(str(error).splitlines()[0][:200] if str(error) else type(error).__name__) from error
    expected = kept_answer(answer_file, answer.shape)
    if expected is None:
        expected = _foreground(TorchRuntime(plan.network(weights), plan.patch_size, "cpu").run(windows), plan)
        keep_answer(answer_file, expected)
    reason = differs(answer, expected, card.threshold, precision)
    if reason:
        if precision != "bf16":
            for stale in (file, file.with_suffix(".bin"), *([answer_file] if precision == "f32" else [])):
                stale.unlink(missing_ok=True)
        raise _Disagrees(reason)
    return candidate, seconds


def _fastest(candidates: dict[str, tuple[Runtime, ...]], plan: NetworkPlan, clock: Callable[[], float]) -> str:
    """The precision, of those that agree; the first pass of each is done, so that a few more are enough for its
    time.
    """
    import torch

    if len(candidates) == 1:
        return next(iter(candidates))
    windows = torch.from_numpy(_test_window(plan.channels, plan.patch_size))
    seconds = dict.fromkeys(candidates, float("inf"))
    begun = clock()
    for _ in range(MOST_ROUNDS):
        for precision, runtimes in candidates.items():
            started = clock()
            runtimes[0].run(windows)
            seconds[precision] = min(seconds[precision], clock() - started)
        if clock() - begun > ENOUGH_S:
            break
    if "int8" in seconds:
        seconds["int8"] /= LARGEST_SHARE_OF_TIME
    return min(seconds, key=lambda precision: seconds[precision])


def _test_window(channels: int, patch_size: Sequence[int]) -> np.ndarray:
    """(1, channels, [k,] j, i) float32: speckle with a dark ball, normalised as nnU-Net normalises, always the same."""
    random = np.random.default_rng(20)
    from_middle = [np.linspace(-1, 1, size) ** 2 for size in patch_size]
    radius = sum(np.meshgrid(*from_middle, indexing="ij", sparse=True))
    windows = []
    for _ in range(channels):
        window = np.where(radius < 0.25, 0.4, 1.0) * random.rayleigh(1.0, patch_size)
        windows.append((window - window.mean()) / window.std())
    return np.stack(windows)[None].astype(np.float32)


def _foreground(logits: torch.Tensor, plan: NetworkPlan) -> np.ndarray:
    """Probabilities of all labels but the background, float32 (n, [k,] j, i)."""
    heads = plan.model.labels.heads
    wanted = [heads.index(label) for label in plan.model.labels.foreground_heads]
    probabilities: np.ndarray = plan.probabilities(logits[0])[wanted].numpy()
    return probabilities


def _dice(mask: np.ndarray, other: np.ndarray) -> float:
    together = int(mask.sum()) + int(other.sum())
    return 2 * int((mask & other).sum()) / together if together else 1.0
