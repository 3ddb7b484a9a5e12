"""What a figure was measured on: processor, flags, load and versions."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np


def processor() -> str:
    """Its name, vectors and cores, the load on it, and what compiled the kernels."""
    import llvmlite.binding
    import numba

    name, flags = platform.processor() or platform.machine(), set()
    if os.path.exists("/proc/cpuinfo"):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
    vectors = [flag for flag in ("avx2", "avx512f", "avx512dq", "avx512bw", "avx512_bf16", "amx_bf16") if flag in flags]
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"
    llvm = ".".join(map(str, llvmlite.binding.llvm_version_info))
    return (
        f"{name} ({llvmlite.binding.get_host_cpu_name()}: {', '.join(vectors)}), {os.cpu_count()} cores, load {load}; "
        f"Python {platform.python_version()}, NumPy {np.__version__}, numba {numba.__version__}, LLVM {llvm}; "
        "IGSIO compiled with -O3"
    )
