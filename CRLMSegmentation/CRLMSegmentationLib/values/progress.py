"""How a long computation says how far it is, and hears that its answer is no longer wanted."""

from collections.abc import Callable

# Called with the fraction that is done, 0 to 1, and a sentence for people about what is being done.
Progress = Callable[[float, str], None]
# Asked again and again; True when the answer is no longer wanted.
ShouldCancel = Callable[[], bool]
