"""One simulated patient, drawn from a seed: a whole liver with all of its truth, in one frame."""

from .export import PATIENT_FILES, write_patient
from .labels import LABELS, patient_labels
from .patient import Patient, draw_patient

__all__ = ["LABELS", "PATIENT_FILES", "Patient", "draw_patient", "patient_labels", "write_patient"]
