"""How bright each tissue is, in Hounsfield units, before and after contrast.

Means of healthy adults and of hypovascular metastases as radiology gives them (Brant and Helms, Fundamentals of
Diagnostic Radiology; Foley et al., AJR 1983, for the phases of the liver); each patient differs a little.
"""

from __future__ import annotations

import numpy as np

from ..patient.labels import LABELS
from .metal import TITANIUM_HU

PHASES = ("native", "arterial", "portal", "late")
# Seconds after the injection at which the phases are taken.
DELAY_S = {"native": None, "arterial": 35, "portal": 70, "late": 180}

_BY_PHASE = {
    "liver": (54, 66, 114, 94), "portal vein": (42, 75, 166, 122), "hepatic vein": (42, 46, 164, 120),
    "artery": (42, 290, 150, 115), "aorta": (42, 310, 150, 115), "vena cava": (42, 90, 122, 116),
    "bile duct": (8, 8, 8, 8), "gallbladder": (8, 8, 9, 10),
    "metastasis": (38, 50, 74, 70), "cyst": (5, 5, 5, 5), "hemangioma": (40, 90, 112, 118),
    "fat in the liver": (26, 36, 76, 62),
    "spleen": (45, 122, 116, 98), "kidney": (32, 150, 180, 160), "pancreas": (42, 105, 98, 78),
    "muscle": (44, 48, 56, 54), "heart": (42, 230, 145, 112), "myocardium": (46, 96, 112, 92),
    "stomach": (24, 26, 28, 28), "colon": (16, 18, 20, 20),
    "bowel": (60, 64, 70, 70), "bone": (360, 365, 370, 368), "lung": (-860, -858, -856, -858),
    "fat": (-105, -105, -104, -104), "abdominal fat": (-102, -102, -101, -101), "skin": (20, 24, 30, 28),
    "air": (-1000, -1000, -1000, -1000), "surgical clip": (TITANIUM_HU,) * 4,
}  # fmt: skip
# How widely the mean of a tissue differs from patient to patient, from the darkest to the brightest; in all phases
# alike, as a fatty liver is dark in each.
_SPREAD_HU = {"liver": 20, "portal vein": 36, "hepatic vein": 36, "artery": 40, "aorta": 25, "vena cava": 36,
              "gallbladder": 14, "metastasis": 24, "cyst": 8, "spleen": 20, "kidney": 30, "pancreas": 16,
              "muscle": 28, "heart": 36, "myocardium": 20, "bowel": 60, "bone": 40, "lung": 140,
              "fat": 8, "abdominal fat": 8}  # fmt: skip


def brightness(rng: np.random.Generator, phase: str) -> np.ndarray:
    """(number of labels,) float64, HU of each label of patient.LABELS in one phase of one patient. The same numbers of
    `rng` make the same patient in every phase.
    """
    column = PHASES.index(phase)
    values = np.empty(len(LABELS))
    for name, number in LABELS.items():
        values[number] = _BY_PHASE[name][column] + _SPREAD_HU.get(name, 2) * 0.5 * rng.uniform(-1, 1)
    values[LABELS["air"]] = -1000.0
    return values
