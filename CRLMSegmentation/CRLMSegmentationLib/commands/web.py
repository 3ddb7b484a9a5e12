"""`crlm web`: the whole workflow on a page in a browser."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import ConfigurationError
from ..files.paths import name_for_library
from ..tracking.openigtlink.port import checked_port
from ..words import languages
from .options.checks import check_there
from .options.outputs import check_folder
from .options.printing import print_facts

EXAMPLES = (
    "crlm web", "crlm web sweep.igs.mha recordings --port 8081 --no-browser", "crlm web --case crlm-web/cases/case-1",
    "crlm web --live sweep.igs.mha", "crlm web --host 0.0.0.0", "crlm web --publish 18945",
)  # fmt: skip
JSON = "print one JSON object: the address of the page, once it is served"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recordings", nargs="*", metavar="FILE", help="recordings, or folders with some, to offer")
    parser.add_argument("--folder", default="crlm-web", metavar="DIR",
                        help="where recordings, uploads and saved cases go (default crlm-web)")  # fmt: skip
    parser.add_argument("--case", metavar="DIR", help="begin with this saved case")
    parser.add_argument("--live", metavar="FILE", help="replay this recording as the live stream from the beginning")
    parser.add_argument("--host", default="127.0.0.1",
                        help="address to serve at (default this computer); any other asks for a token")  # fmt: skip
    parser.add_argument("--port", type=int, default=8080, help="TCP port (default 8080; 0 takes a free one)")
    parser.add_argument("--token", help="what people from other computers have to type; default: one is made")
    parser.add_argument("--publish", metavar="[HOST:]PORT",
                        help="send tumor and distances to other programs over OpenIGTLink from there; without HOST to "
                        "programs on this computer only")  # fmt: skip
    parser.add_argument("--frame-rate", type=float, default=12.0, metavar="N",
                        help="pictures a second of a view, where the machine can (default 12); fewer for a slow "
                        "network or a slow computer")  # fmt: skip
    parser.add_argument("--language", choices=languages(),
                        help="of the page (default: this computer's, where there is a translation)")  # fmt: skip
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def run(arguments: argparse.Namespace) -> None:
    checked_port(arguments.port, lowest=0)
    publish = None if arguments.publish is None else _place_of(arguments.publish)
    check_there(arguments.recordings, "recording or folder")
    check_there([arguments.live], "recording")
    check_there([arguments.case], "case")
    check_folder(Path(arguments.folder), "--folder")
    name_for_library(arguments.folder)  # volumes are going to be written there
    from ..web.serve import serve

    serve(
        arguments.folder, arguments.recordings, arguments.case, arguments.host, arguments.port,
        open_browser=not arguments.no_browser, token=arguments.token, live=arguments.live,
        on_ready=lambda address: print_facts({"address": address}), publish=publish,
        frame_rate=arguments.frame_rate, language=arguments.language,
    )  # fmt: skip


def _place_of(text: str) -> tuple[str, int]:
    """(host, port) of '18945' or 'host:18945'. Raises ConfigurationError, and StreamError for a port that is none."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal():
        raise ConfigurationError(f"--publish is '{text}'; give a port, such as 18945, or a host and a port.")
    return host.strip("[]") or "127.0.0.1", checked_port(int(port), lowest=1)
