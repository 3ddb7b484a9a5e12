"""What people read, in their language: sentences stand in English in the code, and are looked up in a catalogue."""

from .catalogue import ENGLISH, language, language_of_computer, languages, mark, set_language, tr, tr_count

__all__ = ["ENGLISH", "language", "language_of_computer", "languages", "mark", "set_language", "tr", "tr_count"]
