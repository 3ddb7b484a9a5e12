"""What runs a network: the seam between the sliding window and torch, OpenVINO, or a test's own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import Cancelled
from ...words import tr

if TYPE_CHECKING:
    import torch

# How libraries below torch say that memory ran out, which torch passes on as a plain RuntimeError.
_OUT_OF_MEMORY = (
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
)


class Runtime(Protocol):
    """Runs one network on windows of its patch size.

    name           for people, such as 'torch float32'
    device         the torch device on which windows are wanted and answers given
    largest_batch  windows that are taken at once
    """

    name: str
    device: torch.device
    largest_batch: int

    def run(self, windows: torch.Tensor) -> torch.Tensor:
        """Logits, torch float32 (batch, heads, [k,] j, i), of `windows`, torch float32 (batch, channels, [k,] j, i).

        Raises Cancelled when interrupt() was called, torch.cuda.OutOfMemoryError where memory ran out.
        """

    def interrupt(self) -> None:
        """From another thread: end the pass that is running as soon as a layer has ended."""

    def clear_interrupt(self) -> None:
        """Forget an interrupt that came too late for its pass."""

    def shrink_batch(self) -> None:
        """Halve largest_batch and give unused memory back."""


class TorchRuntime:
    """The network in torch: float32 on a processor; on CUDA half precision as nnU-Net has it (autocast), the pass
    captured once as a graph and replayed.

    network  torch module in evaluation mode
    """

    def __init__(
        self, network: torch.nn.Module, patch_size: Sequence[int], device: str | torch.device, largest_batch: int = 1
    ):
        import torch

        self.device = torch.device(device)
        self._network = network.to(self.device)
        self._patch_size = tuple(patch_size)
        self._on_cuda = self.device.type == "cuda"
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, torch.Tensor, torch.Tensor]] = {}
        self._can_capture = self._on_cuda
        self._interrupted = threading.Event()
        self.largest_batch = largest_batch if self._on_cuda else 1
        self.name = "torch float16" if self._on_cuda else "torch float32"
        if self._on_cuda:
            torch.backends.cudnn.benchmark = True
            in_plane = len(self._patch_size) == 2
            self._network = self._network.to(
                memory_format=torch.channels_last if in_plane else torch.channels_last_3d  # type: ignore[call-overload]
            )
        for module in self._network.modules():
            if not list(module.children()):
                module.register_forward_pre_hook(self._stop_when_interrupted)

    def run(self, windows: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.inference_mode():
            if not self._on_cuda:
                answer: torch.Tensor = self._network(windows)
                return answer
            try:
                return self._on_graphics_card(windows)
            except RuntimeError as error:
                if any(sign in str(error) for sign in _OUT_OF_MEMORY):
                    raise torch.cuda.OutOfMemoryError(str(error)) from error
                raise

    def interrupt(self) -> None:
        self._interrupted.set()

    def clear_interrupt(self) -> None:
        self._interrupted.clear()

    def shrink_batch(self) -> None:
        import torch

        self.largest_batch = max(1, self.largest_batch // 2)
        self._graphs.clear()
        if self._on_cuda:
            torch.cuda.empty_cache()

    def _stop_when_interrupted(self, *_: Any) -> None:
        if self._interrupted.is_set():
            raise Cancelled(tr("The segmentation was cancelled."))

    def _on_graphics_card(self, windows: torch.Tensor) -> torch.Tensor:
        """Replays the graph for this size of batch; computes plainly where a graph could not be captured."""
        import torch

        size = len(windows)
        if self._can_capture and size not in self._graphs and (captured := self._captured(windows)) is not None:
            self._graphs[size] = captured
        graph = self._graphs.get(size)
        if graph is None:
            return self._half(windows).float()
        replay, given, answered = graph
        given.copy_(windows)
        replay.replay()
        torch.cuda.current_stream().synchronize()
        return answered.float()

    def _half(self, windows: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.autocast(self.device.type):
            answer: torch.Tensor = self._network(windows)
            return answer

    def _captured(self, windows: torch.Tensor) -> tuple[torch.cuda.CUDAGraph, torch.Tensor, torch.Tensor] | None:
        """(graph, its input, its output), after the passes on another stream that torch asks for before a capture."""
        import torch

        try:
            given = windows.clone()
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch leaves it without types
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(2):
                    self._half(given)
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                answered = self._half(given)
            return graph, given, answered
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError:
            # A layer that cannot be captured: the plain pass does the same, a little slower.
            self._can_capture = False
            return None
