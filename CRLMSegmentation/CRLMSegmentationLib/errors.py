"""Errors that a user can cause. Each message is one sentence: what is wrong, where, and what to do.

A front end catches `CRLMError` and shows its text; anything else is a fault of ours and keeps its traceback.
"""

from .words import tr


class CRLMError(Exception):
    """Base of every error that a user can cause and a front end shows as a sentence, in the language in use."""

    def __str__(self) -> str:
        """The sentence; one that stands outside of functions, such as state.NO_SWEEP, is looked up here."""
        return tr(super().__str__())


class Cancelled(CRLMError):
    """The user asked to stop; there is no result, and nothing was changed."""


class GeometryError(CRLMError):
    """A matrix that is not finite or not invertible, or a box that does not fit its volume."""


class SequenceFileError(CRLMError):
    """A sequence file that is missing, damaged, or not a tracked ultrasound sweep."""


class NotASequenceError(SequenceFileError):
    """A sound file of another kind: a single image or volume, or no image file at all."""


class NoImagesError(SequenceFileError):
    """A recording of a tracker alone: whole, but there is no image in it."""


class TransformError(CRLMError):
    """A transform that is missing from a sweep, has no valid status, or cannot be named."""


class ConfigurationError(CRLMError):
    """A PLUS configuration, or an option, that cannot be used."""


class FileFormatError(CRLMError):
    """A volume, box or surface file that cannot be read or written."""


class StreamError(CRLMError):
    """An OpenIGTLink connection that cannot be opened or never answers."""


class TimingError(CRLMError):
    """A recording from which the delay between images and poses cannot be found."""


class CalibrationError(CRLMError):
    """A recording, or a phantom, from which no calibration can be made that may be trusted."""


class RecordingError(CRLMError):
    """A recording that cannot be written or recovered. What was recorded stays on disk."""


class ReconstructionError(CRLMError):
    """A sweep or a setting from which no volume can be made."""


class ModelError(CRLMError):
    """A model folder that is incomplete, altered, or does not fit the data."""


class SegmentationError(CRLMError):
    """A segmentation that could not be made."""


class LaparoscopeError(CRLMError):
    """Pictures, landmarks or a camera of a laparoscope that do not fit each other, or say too little."""
