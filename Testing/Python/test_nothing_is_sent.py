"""No start of anything, and no package that it loads, reaches out of this computer or leaves files in the
user's home.
"""

import ast
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "CRLMSegmentation"
# Read by every Python that is started, the engine's worker too: notes whom a process looks up or connects to.
WATCH = """
import os, sys
def watch(event, values):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"):
        where = values[0] if event.startswith("socket.get") else values[1]
        host = where[0] if isinstance(where, tuple) else where
        with open(os.environ["WATCH_LOG"], "a") as log:
            log.write(repr((event, os.fsdecode(host) if host is not None else "", sys.argv[1:2])) + "\\n")
sys.addaudithook(watch)
"""
EVERY_MODULE = """
import importlib, pkgutil, socket
try:
    socket.create_connection(("127.0.0.1", 1), 1)
except OSError:
    pass
import CRLMSegmentationLib
for module in pkgutil.walk_packages(CRLMSegmentationLib.__path__, "CRLMSegmentationLib."):
    importlib.import_module(module.name)
from CRLMSegmentationLib.inference.engine import WorkerPredictor
from CRLMSegmentationLib.inference.models.trained_model import load_model
with WorkerPredictor(load_model(), "cpu", threads=1) as engine:
    print(engine.wait_until_ready(200).runtime)
"""


@pytest.fixture
def watched(tmp_path):
    """(environment with a home of its own, hosts()): what was reached out for, but for this computer itself."""
    for name in ("watch", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    log = tmp_path / "log"
    log.touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "CRLM_"))}
    paths = os.pathsep.join([str(tmp_path / "watch"), str(LIBRARY)])
    environment = {**kept, "HOME": str(tmp_path / "home"), "PYTHONPATH": paths, "WATCH_LOG": str(log)}

    def hosts():
        found = [ast.literal_eval(line) for line in log.read_text(encoding="utf-8").splitlines()]
        assert sorted(path.name for path in (tmp_path / "home").iterdir() if not path.name.startswith(".")) == []
        return found, [entry for entry in found if not re.fullmatch(r"|localhost|127\..*|::1|0\.0\.0\.0|/.*", entry[1])]

    return environment, hosts


def test_neither_the_library_nor_the_engine_nor_what_they_load_reaches_out(watched):
    environment, hosts = watched
    done = subprocess.run([sys.executable, "-c", EVERY_MODULE], env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    seen, outside = hosts()
    assert ("socket.connect", "127.0.0.1", []) in seen, "nothing was watched"
    assert outside == []


def test_the_page_reaches_nobody(watched, tmp_path):
    environment, hosts = watched
    command = [
        sys.executable,
        "-m",
        "CRLMSegmentationLib.cli",
        "web",
        "--no-browser",
        "--port",
        "0",
        "--folder",
        tmp_path,
    ]
    web = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    try:
        address = next(
            (found.group(1) for line in web.stdout if (found := re.search(r"The page is at (\S+)", line))), ""
        )
        with urllib.request.urlopen(address, timeout=600) as answer:
            assert answer.status == 200
    finally:
        web.kill()
        web.communicate()
    assert hosts()[1] == []
