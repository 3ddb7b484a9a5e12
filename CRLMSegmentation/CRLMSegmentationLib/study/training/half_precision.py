"""Trainings on a processor in half precision, where that is faster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def computes_in_bfloat16() -> bool:
    """True when the processor has instructions for it: without them it is slower than float32."""
    import torch

    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def in_half_precision(trainer: Any) -> None:
    """Steps of that class, validation too, in bfloat16 where the processor computes in it rightly, with channels last
    in 3D.
    """
    import torch

    step, check, initialize = trainer.train_step, trainer.validation_step, trainer.initialize

    def halved(self: Any) -> bool:
        return bool(self.device.type == "cpu" and computes_in_bfloat16() and not self.is_too_flat)

    def train_step(self: Any, batch: dict[str, Any]) -> dict[str, Any]:
        with torch.autocast("cpu", torch.bfloat16, enabled=halved(self)):
            result: dict[str, Any] = step(self, batch)
        return result

    def validation_step(self: Any, batch: dict[str, Any]) -> dict[str, Any]:
        with torch.autocast("cpu", torch.bfloat16, enabled=halved(self)):
            result: dict[str, Any] = check(self, batch)
        return result

    def initialize_with_channels_last(self: Any) -> None:
        initialize(self)
        self.is_too_flat = is_too_flat(self.network, self.num_input_channels, self.configuration_manager.patch_size)
        if halved(self):
            channels_last(self.network)

    trainer.train_step, trainer.validation_step = train_step, validation_step
    trainer.initialize = initialize_with_channels_last


def is_too_flat(network: torch.nn.Module, channels: int, patch: Sequence[int]) -> bool:
    """True when a 3D convolution of `network` sees fewer slices than its kernel has, at patches of that size (k, j, i).

    The weights' gradient of such a layer (2 slices under a kernel of 3) is then, without AMX, made of memory that
    nobody wrote to: oneDNN 3.12 of torch 2.13 on AMD with AVX512-BF16, seen as NaN in five of twelve trainings. One
    pass tells.
    """
    import torch

    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv3d)]
    found: list[bool] = []

    def look(layer: torch.nn.Conv3d, seen: tuple[torch.Tensor, ...], _answer: object) -> None:
        found.append(seen[0].shape[2] < layer.kernel_size[0])

    hooks = [layer.register_forward_hook(look) for layer in layers]
    was_training = network.training
    try:
        if layers:
            with torch.no_grad():
                network.eval()(torch.zeros(1, channels, *patch))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return any(found)


def channels_last(network: torch.nn.Module) -> None:
    """Lay a 3D network out so that its layers hand their results on without turning them around: an iteration of two
    boxes of 32 x 32 x 32 in bfloat16 took 128 ms of a core in the place of 158. What it computes stays the same; a 2D
    network is left as it is.

    torch's instance normalisation would turn each result back; that of a batch of one, which is the same, does not.
    """
    import torch

    for layer in network.modules():
        if isinstance(layer, (torch.nn.Conv3d, torch.nn.ConvTranspose3d)):
            layer.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # not in its signature
        elif isinstance(layer, torch.nn.InstanceNorm3d) and not layer.track_running_stats:
            layer.forward = _image_by_image.__get__(layer)  # type: ignore[method-assign]


def _image_by_image(layer: torch.nn.InstanceNorm3d, images: torch.Tensor) -> torch.Tensor:
    import torch
    from torch.nn.functional import batch_norm

    normalised = [
        batch_norm(images[number : number + 1], None, None, layer.weight, layer.bias, True, 0.0, layer.eps)
        for number in range(len(images))
    ]
    return torch.cat(normalised)
