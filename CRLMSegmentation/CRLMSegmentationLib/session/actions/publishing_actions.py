"""What a person can do about other programs that follow the navigation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...words import mark, tr
from ..state import Step
from .action import Action

if TYPE_CHECKING:
    from ..session import Session


def _while_on(session: Session) -> str:
    return "" if session.publishing.port is None else tr("It is sent already: stop that first.")


def _while_off(session: Session) -> str:
    return tr("Nothing is sent to other programs.") if session.publishing.port is None else ""


def _publish(session: Session, port: int, host: str | None = None) -> None:
    """Serve tumor and distances at a port from 1 to 65535, as PublishingPart.start() says."""
    session.publishing.start(port, host)


PUBLISH = Action(
    "publish", Step.NAVIGATE, mark("Send to other programs"),
    mark("Programs and robots that connect to this port follow the tumor, the tools and their distances "
    "over OpenIGTLink"),
    _publish, _while_on,
)  # fmt: skip
STOP_PUBLISHING = Action(
    "stop_publishing", Step.NAVIGATE, mark("Send no more"),
    mark("End the connections of the programs that follow the navigation"),
    lambda session: session.publishing.stop(), _while_off,
)  # fmt: skip

PUBLISHING_ACTIONS = (PUBLISH, STOP_PUBLISHING)
