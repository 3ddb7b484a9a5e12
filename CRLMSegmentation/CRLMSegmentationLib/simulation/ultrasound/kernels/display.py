"""From scan lines to the picture, compiled: filters, log compression and scan conversion."""

from __future__ import annotations

import numpy as np

from ....compilation.jit import compiled


@compiled
def smooth_rows(source: np.ndarray, weights: np.ndarray, result: np.ndarray) -> None:
    """Filter (lines, samples) along samples with symmetric `weights` (2 h + 1,), edges repeated."""
    lines, samples = source.shape
    half = weights.shape[0] // 2
    for line in range(lines):
        for s in range(samples):
            total = np.float32(0.0)
            for w in range(weights.shape[0]):
                at = min(max(s + w - half, 0), samples - 1)
                total += weights[w] * source[line, at]
            result[line, s] = total


@compiled
def smooth_columns(source: np.ndarray, weights: np.ndarray, result: np.ndarray) -> None:
    """Filter (lines, samples) along lines with symmetric `weights` (2 h + 1,), edges repeated."""
    lines, samples = source.shape
    half = weights.shape[0] // 2
    result[:] = 0
    for line in range(lines):
        for w in range(weights.shape[0]):
            at = min(max(line + w - half, 0), lines - 1)
            for s in range(samples):
                result[line, s] += weights[w] * source[at, s]


@compiled
def grey_levels(power: np.ndarray, thresholds: np.ndarray, result: np.ndarray) -> None:
    """Log compression by look-up: the number of `thresholds` (255,) ascending that each power reaches, as uint8."""
    flat, out = power.ravel(), result.ravel()
    for n in range(flat.shape[0]):
        low, high = 0, thresholds.shape[0]
        while low < high:
            middle = (low + high) // 2
            if thresholds[middle] <= flat[n]:
                low = middle + 1
            else:
                high = middle
        out[n] = low


@compiled
def scan_convert(
    polar: np.ndarray, line_at: np.ndarray, sample_at: np.ndarray, inside: np.ndarray, result: np.ndarray
) -> None:
    """Bilinear scan conversion of grey levels (lines, samples) to pixels (v, u) uint8; black outside the fan."""
    lines, samples = polar.shape
    for v in range(result.shape[0]):
        for u in range(result.shape[1]):
            if not inside[v, u]:
                continue
            line = min(int(line_at[v, u]), lines - 2)
            sample = min(int(sample_at[v, u]), samples - 2)
            a, b = line_at[v, u] - line, sample_at[v, u] - sample
            value = (polar[line, sample] * (1 - a) + polar[line + 1, sample] * a) * (1 - b) + (
                polar[line, sample + 1] * (1 - a) + polar[line + 1, sample + 1] * a
            ) * b
            result[v, u] = np.uint8(value + 0.5)
