"""Whether a training on the processor is faster in half precision."""

from __future__ import annotations


def computes_in_bfloat16() -> bool:
    """True when the processor has instructions for it: without them it is slower than float32."""
    import torch

    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())
