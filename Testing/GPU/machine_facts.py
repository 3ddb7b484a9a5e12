"""What the campaign runs on: card, driver, processors, and the versions of what computes."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("torch", "numpy", "scipy", "numba", "nnunetv2", "dynamic-network-architectures", "batchgenerators",
            "batchgeneratorsv2", "acvl-utils", "safetensors", "scikit-image", "connected-components-3d",
            "triton")  # fmt: skip


def describe_machine(device: str) -> dict[str, Any]:
    """Plain values. Asks the driver's own program, so that this process needs neither torch nor memory of the card."""
    return {
        "device": device,
        "cards": _cards(),
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _cards() -> list[str]:
    """Name, driver and memory of each."""
    try:
        asked = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"],
            capture_output=True,
            encoding="utf-8",
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return asked.stdout.strip().splitlines() if asked.returncode == 0 else []


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
