"""The landmarks of a liver that a laparoscope sees and a CT has too: their names, and their numbers in masks."""

from __future__ import annotations

# Numbers as the P2ILF challenge orders its landmarks; 0 is nothing.
LANDMARKS = {"ridge": 1, "ligament": 2, "silhouette": 3}
# For people, where the short name might be misunderstood.
LANDMARK_TITLES = {
    "ridge": "anterior ridge",
    "ligament": "falciform ligament",
    "silhouette": "silhouette",
}
