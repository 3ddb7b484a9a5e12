"""Sentences for people: why no frame comes from a server."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import StreamError
from .status import StreamStatus


def no_server_error(address: str, status: StreamStatus) -> StreamError:
    """For a server that was never reached."""
    return StreamError(
        f"No OpenIGTLink server answers at {address} ({status.problem or 'no answer'}); "
        "start PLUS or `crlm replay`, or check host and port."
    )


def no_image_error(address: str, status: StreamStatus, transform_names: Sequence[str], timeout_s: float) -> StreamError:
    """For a server that is not there, or has sent no image for `timeout_s`."""
    if not status.connections:
        return no_server_error(address, status)
    came = "".join(f"; {part}" for part in what_came_instead(status, transform_names, no_image=True))
    if not status.connected:
        return StreamError(f"The connection to {address} was lost and not found again: {status.problem}{came}.")
    return StreamError(
        f"No image came from the OpenIGTLink server at {address} for {timeout_s:g} s{came}; "
        "check that it sends two-dimensional IMAGE messages and is not frozen."
    )


def what_came_instead(status: StreamStatus, transform_names: Sequence[str], no_image: bool) -> list[str]:
    """What of the sender's messages could not be used; where no image came, what else did."""
    parts = [status.image_problem, status.not_understood]
    if no_image:
        if status.image_names:
            names = ", ".join(status.image_names)
            parts.append(f"images called {names} came, and {status.image_name} was to be taken")
        if transform_names:
            parts.append(f"it sends {', '.join(transform_names)}")
        if status.repeated:
            parts.append(f"the last image came {status.repeated} times again with the same time")
    return [part for part in parts if part]
