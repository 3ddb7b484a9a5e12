"""Echoes of all scatterers within the slice on the scan lines, and what attenuates them, compiled."""

from __future__ import annotations

import math

import numpy as np

from ....compilation.jit import compiled

GAUSSIAN_STEPS = 64
GAUSSIAN_REACH = 9.0
GAUSSIAN = np.exp(-0.5 * np.arange(int(GAUSSIAN_REACH * GAUSSIAN_STEPS) + 2) / GAUSSIAN_STEPS).astype(np.float32)
PHASES = 4096
COSINE = np.cos(2 * np.pi * np.arange(PHASES) / PHASES).astype(np.float32)
SINE = np.sin(2 * np.pi * np.arange(PHASES) / PHASES).astype(np.float32)


@compiled
def accumulate_echoes(
    real: np.ndarray,
    imaginary: np.ndarray,
    amplitude: np.ndarray,
    origin: np.ndarray,
    spacing: float,
    key: np.ndarray,
    cell: float,
    liver_to_face: np.ndarray,
    fan: np.ndarray,
    push: float,
    line_step: float,
    range_step: float,
    lateral_sigma: np.ndarray,
    elevation_sigma: np.ndarray,
    radians_per_mm: float,
    gaussian: np.ndarray,
    cosine: np.ndarray,
    sine: np.ndarray,
) -> None:
    """Add the echoes of every scatterer within the slice to the scan lines.

    real, imaginary  (lines, samples) float32 baseband signal before the axial pulse
    amplitude        (x, y, z) float32 scatterer strength in the liver's frame, voxel size `spacing`, at `origin`
    key              (3,) uint32, selects the world; one scatterer per cubic cell of `cell` mm, placed and weighted by
                     the pcg3d hash of the cell's index (Jarzynski and Olano, J. Comput. Graph. Tech. 9(3), 2020)
    liver_to_face    (4, 4);  fan (3,): radius of the face, half angle, depth;  push: pressure in mm
    """
    radius, half_angle, depth = fan[0], fan[1], fan[2]
    lines, samples = real.shape
    m = liver_to_face
    half_width = (radius + depth) * math.sin(half_angle)
    sag = radius * (1 - math.cos(half_angle))
    thickest = 0.0
    for s in range(elevation_sigma.shape[0]):
        thickest = max(thickest, elevation_sigma[s])
    thickest *= 2.0

    # The box of cells around the fan, in the liver's frame (the inverse of a rigid matrix is its transpose).
    low = np.array([1e9, 1e9, 1e9])
    high = np.array([-1e9, -1e9, -1e9])
    for corner in range(8):
        cx = (half_width if corner & 1 else -half_width) - m[0, 3]
        cy = (depth + 1.0 if corner & 2 else -sag - 4.0) - m[1, 3]
        cz = (thickest if corner & 4 else -thickest) - m[2, 3]
        for axis in range(3):
            value = m[0, axis] * cx + m[1, axis] * cy + m[2, axis] * cz
            low[axis] = min(low[axis], value)
            high[axis] = max(high[axis], value)
    first_x, last_x = int(math.floor(low[0] / cell)), int(math.ceil(high[0] / cell))
    first_z, last_z = int(math.floor(low[2] / cell)), int(math.ceil(high[2] / cell))
    cells_per_mm = 1.0 / cell
    key_x, key_y, key_z = key[0], key[1], key[2]
    to_unit = 1.0 / 4294967296.0
    largest_x = (amplitude.shape[0] - 1) * spacing
    largest_y = (amplitude.shape[1] - 1) * spacing
    largest_z = (amplitude.shape[2] - 1) * spacing
    cycles = radians_per_mm / (2 * math.pi) * cosine.shape[0]
    phase_mask = cosine.shape[0] - 1

    for ix in range(first_x, last_x):
        x0 = (ix + 0.5) * cell
        for iz in range(first_z, last_z):
            z0 = (iz + 0.5) * cell
            # Where this column of cells crosses the image plane.
            y0 = -(m[2, 0] * x0 + m[2, 2] * z0 + m[2, 3]) / m[2, 1]
            fx = m[0, 0] * x0 + m[0, 1] * y0 + m[0, 2] * z0 + m[0, 3]
            fy = m[1, 0] * x0 + m[1, 1] * y0 + m[1, 2] * z0 + m[1, 3] + radius
            reach2 = fx * fx + fy * fy
            if reach2 > (radius + depth + 2) ** 2 or reach2 < (radius - 5) ** 2 or fy <= 0:
                continue
            column_range = math.sqrt(reach2) - radius
            sample = min(max(int(column_range / range_step), 0), samples - 1)
            reach_y = (2.0 * elevation_sigma[sample] + 0.5 * cell) / abs(m[2, 1])
            first_y = int(math.floor((y0 - reach_y) * cells_per_mm))
            last_y = int(math.ceil((y0 + reach_y) * cells_per_mm))
            for iy in range(first_y, last_y):
                # pcg3d of the cell's index
                hx = np.uint32(np.uint32(ix + 100000) * np.uint32(1664525) + key_x)
                hy = np.uint32(np.uint32(iy + 100000) * np.uint32(1664525) + key_y)
                hz = np.uint32(np.uint32(iz + 100000) * np.uint32(1664525) + key_z)
                hx = np.uint32(hx + hy * hz)
                hy = np.uint32(hy + hz * hx)
                hz = np.uint32(hz + hx * hy)
                hx ^= hx >> np.uint32(16)
                hy ^= hy >> np.uint32(16)
                hz ^= hz >> np.uint32(16)
                hx = np.uint32(hx + hy * hz)
                hy = np.uint32(hy + hz * hx)
                hz = np.uint32(hz + hx * hy)
                px = (ix + hx * to_unit) * cell
                py = (iy + hy * to_unit) * cell
                pz = (iz + hz * to_unit) * cell
                mixed = (hx * np.uint32(747796405) + hy) ^ (hz >> np.uint32(7))
                strength = (np.uint32(mixed) * to_unit * 2 - 1) * 1.7320508

                face_x = m[0, 0] * px + m[0, 1] * py + m[0, 2] * pz + m[0, 3]
                face_y = m[1, 0] * px + m[1, 1] * py + m[1, 2] * pz + m[1, 3]
                face_z = m[2, 0] * px + m[2, 1] * py + m[2, 2] * pz + m[2, 3]
                # Pressure carries the tissue under the face along; it fades with depth.
                away = max(face_y, 0.0) / 20.0
                face_y += push / (1 + away * away)
                along = face_y + radius
                distance = math.sqrt(face_x * face_x + along * along)
                range_mm = distance - radius
                if range_mm < 0 or range_mm >= (samples - 2) * range_step:
                    continue
                where = range_mm / range_step
                sample = int(where)
                squared = face_z / elevation_sigma[sample]
                squared *= squared
                if squared >= 5.0:
                    continue
                weight = gaussian[int(squared * 64)] * strength

                gx, gy, gz = px - origin[0], py - origin[1], pz - origin[2]
                if gx < 0 or gy < 0 or gz < 0 or gx > largest_x or gy > largest_y or gz > largest_z:
                    continue
                weight *= amplitude[int(gx / spacing + 0.5), int(gy / spacing + 0.5), int(gz / spacing + 0.5)]

                angle = math.atan2(face_x, along)
                line_at = (angle + half_angle) / line_step
                wide = lateral_sigma[sample] / (distance * line_step)
                first_line = max(0, int(math.ceil(line_at - 2.6 * wide)))
                last_line = min(lines - 1, int(math.floor(line_at + 2.6 * wide)))
                if last_line < first_line:
                    continue
                turn = int(range_mm * cycles) & phase_mask
                share = where - sample
                re = weight * cosine[turn]
                im = weight * sine[turn]
                per_wide2 = 64.0 / (wide * wide)
                for line in range(first_line, last_line + 1):
                    off = line - line_at
                    beam = gaussian[int(off * off * per_wide2)]
                    near = beam * (1 - share)
                    far = beam * share
                    real[line, sample] += near * re
                    imaginary[line, sample] += near * im
                    real[line, sample + 1] += far * re
                    imaginary[line, sample + 1] += far * im


@compiled
def excess_attenuation(
    attenuation_db: np.ndarray,
    kind: np.ndarray,
    table: np.ndarray,
    origin: np.ndarray,
    spacing: float,
    face_to_liver: np.ndarray,
    fan: np.ndarray,
    push: float,
    line_step: float,
    range_step: float,
    stride: int,
) -> None:
    """Two-way attenuation beyond that of parenchyma, in dB, down every scan line: (lines, samples) float32.

    table  (kinds,) dB per mm of depth, two-way, for each tissue kind;  stride: samples between looks at the map
    """
    lines, samples = attenuation_db.shape
    radius, half_angle = fan[0], fan[1]
    m = face_to_liver
    for line in range(lines):
        angle = -half_angle + line * line_step
        sine, cosine = math.sin(angle), math.cos(angle)
        total = 0.0
        for s in range(0, samples, stride):
            range_mm = s * range_step
            fx = (radius + range_mm) * sine
            fy = (radius + range_mm) * cosine - radius
            away = max(fy, 0.0) / 20.0
            fy -= push / (1 + away * away)
            x = m[0, 0] * fx + m[0, 1] * fy + m[0, 3] - origin[0]
            y = m[1, 0] * fx + m[1, 1] * fy + m[1, 3] - origin[1]
            z = m[2, 0] * fx + m[2, 1] * fy + m[2, 3] - origin[2]
            i, j, k = int(x / spacing + 0.5), int(y / spacing + 0.5), int(z / spacing + 0.5)
            if 0 <= i < kind.shape[0] and 0 <= j < kind.shape[1] and 0 <= k < kind.shape[2]:
                total += table[kind[i, j, k]] * stride * range_step
            for inner in range(s, min(s + stride, samples)):
                attenuation_db[line, inner] = total
