"""One simulated patient, drawn from a seed: a whole liver with all of its truth, in one frame."""

from .export import PATIENT_FILES, write_patient
from .follow_up import at_date
from .labels import LABELS, patient_labels
from .operation import Operation, draw_operation
from .patient import Patient, draw_patient

__all__ = [
    "LABELS",
    "PATIENT_FILES",
    "Operation",
    "Patient",
    "at_date",
    "draw_operation",
    "draw_patient",
    "patient_labels",
    "write_patient",
]
