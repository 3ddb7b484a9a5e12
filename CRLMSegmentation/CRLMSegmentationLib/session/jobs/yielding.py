"""How long the session's thread rests for other threads of Python, where the event loop keeps Python to itself."""

_PAUSE_S, _PAUSE_FOR_JOBS_S = 0.001, 0.03


def pause_s(is_waited_for: bool) -> float:
    """Seconds of a tick. A thread that gets a millisecond at each tick takes seconds for a tenth of one: that is enough
    for what only keeps up, and not for what somebody waits for.
    """
    return _PAUSE_FOR_JOBS_S if is_waited_for else _PAUSE_S
