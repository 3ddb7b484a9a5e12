"""How bright each tissue is in a T1-weighted gradient echo with fat suppression, 20 minutes after gadoxetate.

This hepatobiliary phase is the one in which colorectal metastases are looked for (Van Beers et al., J Hepatol 57,
2012): liver cells hold the contrast agent, so that the liver is bright, and vessels, metastases, cysts and hemangiomas
are dark in it, as most of them are in ultrasound. Bile, which the agent is excreted with, is brighter than the liver.
Values are shares of the liver's, read off such pictures; no scanner's signal equation is followed.
"""

from __future__ import annotations

import numpy as np

from ..patient.labels import LABELS

_SHARES = {
    "liver": 1.0, "portal vein": 0.52, "hepatic vein": 0.50, "artery": 0.50, "aorta": 0.52, "vena cava": 0.50,
    "bile duct": 1.25, "gallbladder": 0.62, "metastasis": 0.42, "cyst": 0.16, "hemangioma": 0.46,
    "fat in the liver": 0.74, "spleen": 0.56, "kidney": 0.86, "pancreas": 0.62, "muscle": 0.42, "heart": 0.50,
    "myocardium": 0.46,
    "stomach": 0.26, "colon": 0.30, "bowel": 0.44, "bone": 0.28, "lung": 0.06, "fat": 0.20, "abdominal fat": 0.21,
    "skin": 0.34, "air": 0.0, "surgical clip": 0.0,
}  # fmt: skip
_SPREAD = {"metastasis": 0.10, "gallbladder": 0.35, "bile duct": 0.2, "bowel": 0.15, "stomach": 0.15}


def signals(rng: np.random.Generator) -> np.ndarray:
    """(number of labels,) float64: the signal of each label of patient.LABELS as a share of the liver's, of one
    patient.
    """
    values = np.empty(len(LABELS))
    for name, number in LABELS.items():
        values[number] = _SHARES[name] * (1 + _SPREAD.get(name, 0.06) * rng.uniform(-1, 1))
    values[LABELS["liver"]] = 1.0
    return values
