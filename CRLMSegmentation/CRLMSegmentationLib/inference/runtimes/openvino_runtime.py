"""The network in OpenVINO, on the processor: the same mathematics in float32, quicker than torch's; in bfloat16; or
with layers in 8 bits (quantisation.py).

OpenVINO is an optional extra. The torch module is converted in memory; the result is kept on disk under the hash of the
weights, because converting takes seconds and reading it back does not.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import Cancelled, ModelError
from ...words import tr

if TYPE_CHECKING:
    import torch

# 'yes' or 'no' in the place of what the processor says, so that both ways can be tried on one machine.
BFLOAT16_VARIABLE = "CRLM_BFLOAT16"
TELEMETRY = "openvino_telemetry"
NAMES = {"f32": "OpenVINO float32", "bf16": "OpenVINO bfloat16", "int8": "OpenVINO int8"}


def is_installed() -> bool:
    """True when OpenVINO can be imported; it is not imported here."""
    from importlib.util import find_spec

    return find_spec("openvino") is not None


def import_openvino() -> Any:
    """The module `openvino`, without its telemetry: nothing is sent, and no file of it is left in the user's home.

    OpenVINO would send usage events when it is imported and when it converts a network. Where its package for that
    cannot be imported it puts an empty one in the place, so that one is kept from being imported. This is the only
    place from which the library imports OpenVINO.
    """
    if "openvino" not in sys.modules:
        sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # keeps it from being imported
    import openvino

    return openvino


def computes_in_bfloat16() -> bool:
    """True when this processor has instructions for bfloat16 (without them nothing would be won), or as the environment
    variable CRLM_BFLOAT16 says ('yes' or 'no'). Raises ModelError when that says anything else.
    """
    forced = os.environ.get(BFLOAT16_VARIABLE, "")
    if forced:
        if forced not in ("yes", "no"):
            raise ModelError(
                tr(
                    "The environment variable {bfloat16_variable} is '{forced}': set it to yes or no, or "
                    "unset it, so that the processor decides.",
                    bfloat16_variable=BFLOAT16_VARIABLE,
                    forced=forced,
                )
            )
        return forced == "yes"
    return "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def computes_in_eight_bits() -> bool:
    """True when this processor adds products of 8 bits in 32 (VNNI).

    OpenVINO would take others too, but they add in 16 bits, where large sums are cut off.
    """
    import torch

    has_vnni = getattr(torch.cpu, "_is_vnni_supported", lambda: False)
    return "INT8" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") and has_vnni()


class OpenVinoRuntime:
    """One network, compiled for windows of one size. Raises whatever OpenVINO raises where it cannot do it.

    make_network  gives the torch network; called only when there is nothing to read in `file`
    file          where the converted network is kept; None to keep nothing
    precision     'f32', 'bf16' to multiply in bfloat16 and add in float32, or 'int8' when make_network gives a network
                  whose layers are in 8 bits; the others are float32 then
    smallest      window with which the network is traced, for speed; by default patch_size
    channels      of a window
    """

    largest_batch = 1

    def __init__(
        self,
        make_network: Callable[[], torch.nn.Module],
        patch_size: Sequence[int],
        threads: int,
        file: Path | None = None,
        precision: str = "f32",
        smallest: Sequence[int] | None = None,
        channels: int = 1,
    ):
        import torch

        openvino = import_openvino()
        self.device = torch.device("cpu")
        self.name = NAMES[precision]
        self._interrupted = threading.Event()
        core = openvino.Core()
        model = _read(core, file) or _converted(
            openvino, make_network(), (1, channels, *patch_size), (1, channels, *(smallest or patch_size)), file
        )
        compiled = core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
                # Pinned threads wait for each other when a core is taken by another program.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._request = compiled.create_infer_request()
        self._output = compiled.output(0)

    def run(self, windows: torch.Tensor) -> torch.Tensor:
        import torch

        request = self._request
        request.start_async([windows.contiguous().numpy()], share_inputs=True)
        if self._interrupted.is_set():
            request.cancel()
        try:
            request.wait()
        except RuntimeError:
            if self._interrupted.is_set():
                raise Cancelled(tr("The segmentation was cancelled.")) from None
            raise
        return torch.from_numpy(request.get_tensor(self._output).data.copy())

    def interrupt(self) -> None:
        self._interrupted.set()
        self._request.cancel()

    def clear_interrupt(self) -> None:
        self._interrupted.clear()

    def shrink_batch(self) -> None:
        """There is nothing to shrink: one window at a time."""


def _read(core: Any, file: Path | None) -> Any:
    if file is None or not file.is_file():
        return None
    try:
        return core.read_model(file)
    except RuntimeError:
        return None  # written by another version, or cut short: it is made again


def _converted(
    openvino: Any,
    network: torch.nn.Module,
    window: tuple[int, ...],
    smallest_window: tuple[int, ...],
    file: Path | None,
) -> Any:
    import torch

    # Tracing runs the network in torch; what it does to a window does not depend on the window's size. OpenVINO would
    # let torch check the trace, which takes seconds: runtime_choice.py checks what comes of it, on a whole window.
    example = torch.zeros(smallest_window)
    with torch.no_grad():
        traced = torch.jit.trace(network.eval(), example, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
    model = openvino.convert_model(traced, example_input=example, input=[window])
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_name(f"draft-{threading.get_native_id()}-{file.name}")
            openvino.save_model(model, draft, compress_to_fp16=False)
            # The weights first: whoever finds the description finds them complete.
            draft.with_suffix(".bin").replace(file.with_suffix(".bin"))
            draft.replace(file)
        except (OSError, RuntimeError):
            pass  # a full or read-only disk costs some seconds at the next start, nothing else
    return model
