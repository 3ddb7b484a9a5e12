"""Serving the page: `serve()` for the command `crlm web`, `serve_case()` with a finished case in it."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..tracking.openigtlink.port import checked_port
from ..words import language_of_computer, set_language

if TYPE_CHECKING:
    from .controller import Controller
    from .server.allowed import Allowed

DEFAULT_HOST = "127.0.0.1"
DEFAULT_FOLDER = "crlm-web"
# With a graphics card nobody would notice; in software every frame counts.
FRAME_RATE = 12.0
# A tab is usable so long after its first view is there.
_SETTLED_S = 1.0
# No WebSocket of trame's own: the page's is guarded.
_TRAME_ARGUMENTS = ("--no-ws-endpoint",)


def serve_case(
    case: str | Path, open_browser: bool = True, host: str = DEFAULT_HOST, port: int = 0,
    live: str | Path | None = None, shown_as: str = "",
) -> None:  # fmt: skip
    """Serve the page with the case in the folder `case` (of Session.case.save), until Ctrl-C.

    live      a recording that is replayed as the live stream, so that there is something to navigate; None for none
    shown_as  what the page calls the data, such as 'Simulated, not clinical'; '' for the folder's name
    """
    case = Path(case)
    serve(case.parent / DEFAULT_FOLDER, [case, case.parent], case, host, port, open_browser, None, live, shown_as)


def serve(
    folder: str | Path = DEFAULT_FOLDER, given: Sequence[str | Path] = (), case: str | Path | None = None,
    host: str = DEFAULT_HOST, port: int = 0, open_browser: bool = True, token: str | None = None,
    live: str | Path | None = None, shown_as: str = "", on_ready: Callable[[str], None] = lambda address: None,
    publish: tuple[str, int] | None = None, frame_rate: float = FRAME_RATE, language: str | None = None,
) -> None:  # fmt: skip
    """Serve the page until Ctrl-C.

    folder  what is recorded, uploaded, simulated and saved goes there
    given   recordings, and folders with recordings, that are offered on the page
    case    a saved case to begin with, or None
    host    other than this computer's own addresses: everybody who comes needs the token
    port    0 takes a free one
    token   None makes one where it is needed
    live    a recording that is replayed from the beginning, or None
    shown_as  what the page calls the data of the case; '' for the name of its folder
    on_ready  called with the address once the page is served there
    publish   host and port at which tumor and distances are sent to other programs over OpenIGTLink, or None
    frame_rate  pictures a second of a view at most
    language    of the page and of what the session says, such as 'de'; None for that of this computer
    Raises ConfigurationError when trame-slicer or something that was named is not there, or when the address cannot be
    served at, or for a frame rate that is none, and StreamError for a port that is none.
    """
    from .server.access import SHORTEST_TOKEN, is_loopback, new_token

    set_language(language or language_of_computer())
    _check_there()
    checked_port(port, lowest=0)
    if not 0.5 <= frame_rate <= 60:
        raise ConfigurationError(f"The frame rate is {frame_rate:g}; give 0.5 to 60 pictures a second.")
    _check_named(given, case, live)
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise ConfigurationError(
            f"The token has {len(token)} characters; give {SHORTEST_TOKEN} or more, or none at all."
        )
    token = (token or new_token()) if not is_loopback(host) else token
    try:
        asyncio.run(
            _serve(
                folder, given, (case, shown_as), live, host, port, open_browser, token, on_ready, publish, frame_rate
            )
        )  # fmt: skip
    except OSError as error:
        raise ConfigurationError(
            f"The page cannot be served at {host}:{port} ({error.strerror}); choose another --port."
        ) from None


def _check_there() -> None:
    try:
        import trame_slicer  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            f"The web page needs the package trame-slicer ({error}); "
            "install it with `pip install crlm-navigation[web]`."
        ) from None


def _check_named(given: Sequence[str | Path], case: str | Path | None, live: str | Path | None) -> None:
    """Before anything is started: what was named on the command line is there."""
    from ..session.case.case_files import INDEX

    for path in given:
        if not Path(path).exists():
            raise ConfigurationError(f"There is no recording or folder '{path}'.")
    if case is not None and not (Path(case) / INDEX).is_file():
        raise ConfigurationError(f"'{case}' is no saved case: a folder with {INDEX} in it.")
    if live is not None and not Path(live).is_file():
        raise ConfigurationError(f"There is no recording '{live}' to replay.")


async def _serve(
    folder: str | Path, given: Sequence[str | Path], case: tuple[str | Path | None, str], live: str | Path | None,
    host: str, port: int, open_browser: bool, token: str | None, on_ready: Callable[[str], None],
    publish: tuple[str, int] | None, frame_rate: float,
) -> None:  # fmt: skip
    from .server.access import gate, is_loopback
    from .server.build import build

    print("The page is being started; this takes some seconds.", flush=True)
    asyncio.get_running_loop().set_exception_handler(_report_fault)
    logging.getLogger("wslink.protocol").addFilter(_is_fault)
    # trame reads the command line by itself, which is the `crlm` command's here.
    with _own_command_line():
        server, controller, routes, allowed = build(folder, given, is_loopback(host), frame_rate)

        def on_bind(wslink_server: Any) -> None:
            wslink_server.app.middlewares.append(gate(token))
            _serve_socket(wslink_server, server.protocol, allowed, controller)
            routes.add_to(wslink_server.app)

        def ready(**_: object) -> None:
            address = _address(host, server.port, token)
            print(f"The page is at {address} (Ctrl-C ends it)", flush=True)
            on_ready(address)
            if open_browser:
                webbrowser.open(address)

        server.controller.on_server_bind.add(on_bind)
        server.controller.on_server_ready.add(ready)
        serving = asyncio.ensure_future(
            server.start(
                port=port, host=host, exec_mode="coroutine", open_browser=False, show_connection_info=False, timeout=0,
                disable_logging=True, thread=True,
            )
        )  # fmt: skip
    running = asyncio.ensure_future(controller.run())
    importing = asyncio.ensure_future(_import_once_seen(controller))
    _end_at_signals(serving)
    try:
        folder_of_case, shown_as = case
        if folder_of_case is not None:
            controller.open_case(folder_of_case, shown_as)
        if publish is not None:
            controller.session.publishing.start(publish[1], publish[0])
            controller.state.publish_port = controller.session.publishing.port
        if live is not None:
            controller.replay(live)
            # Who serves both says that they belong together.
            controller.session.case.keep()
        await serving
    except asyncio.CancelledError:
        pass
    finally:
        running.cancel()
        importing.cancel()
        await controller.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


async def _import_once_seen(controller: Controller) -> None:
    """What the first presses of buttons need, as soon as nobody waits for the page any more."""
    from ..session.jobs.first_use import import_for_first_use
    from ..session.jobs.task import Task

    await controller.views.first_seen.wait()
    await asyncio.sleep(_SETTLED_S)
    Task(import_for_first_use, "imports for the first use")


def _serve_socket(wslink_server: Any, protocol: Any, allowed: Allowed, controller: Controller) -> None:
    from .server.guarded_socket import GuardedSocket
    from .server.refusals import Refusals
    from .server.seen_views import SeenViews

    socket = GuardedSocket(protocol, wslink_server, allowed, Refusals(), SeenViews(controller.views.set_seen))
    wslink_server.app.router.add_get("/ws", socket.handleWsRequest)
    wslink_server.app.on_shutdown.append(lambda _app: socket.disconnectClients())


def _report_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A tab that was closed while a picture was on its way to it is no fault."""
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)


def _is_fault(record: logging.LogRecord) -> bool:
    """The same for what the server's library logs: a heading, the exception, and its trace, one after the other."""
    text = record.getMessage()
    return text != "Exception raised" and "ConnectionResetError" not in text


def _address(host: str, port: int, token: str | None) -> str:
    """What people type: a name where the page is served at every address of this computer."""
    name = {"127.0.0.1": "localhost", "::1": "localhost", "0.0.0.0": socket.gethostname(), "::": socket.gethostname()}  # noqa: S104  (asked, not bound)
    shown = name.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/{f'?token={token}' if token else ''}"


def _end_at_signals(task: asyncio.Future[None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        except (NotImplementedError, RuntimeError, ValueError):
            logging.getLogger(__name__).debug("Signal %s ends the program in the usual way.", number)


@contextmanager
def _own_command_line() -> Iterator[None]:
    before, sys.argv = sys.argv, [*sys.argv[:1], *_TRAME_ARGUMENTS]
    try:
        yield
    finally:
        sys.argv = before
