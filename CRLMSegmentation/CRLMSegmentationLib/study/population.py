"""The simulated livers of the shipped study, fixed by their seeds before any network was trained.

Sizes of the parts follow Natali et al. (arXiv 2511.05253): 10 livers for validation, 20 + 5 for test. Training has
more than the paper's 50, and phantoms without a tumor, because simulation costs nothing. The test seeds are for the
final evaluation alone: nothing is ever tuned on them.
"""

from __future__ import annotations

TRAINING_SEEDS = range(1000, 1080)
# Bright lesions are harder and rarer: more of them to learn from.
HYPERECHOIC_TRAINING_SEEDS = range(1100, 1124)
PHANTOM_SEEDS = range(4000, 4036)
VALIDATION_SEEDS = range(2000, 2010)
TEST_SEEDS = range(1, 21)
SECOND_TEST_SEEDS = range(21, 26)
