"""No module of the library, and no package that it loads, reaches out of this computer or leaves files in the user's
home. That the programs do not either, with the engine and the page: test_wheel.py.
"""

import os
import subprocess
import sys
from pathlib import Path

from network_watch import NetworkWatch

LIBRARY = Path(__file__).resolve().parents[2] / "CRLMSegmentation"
EVERY_MODULE = """
import importlib, pkgutil, socket
try:
    socket.create_connection(("127.0.0.1", 1), 1)
except OSError:
    pass
import CRLMSegmentationLib
for module in pkgutil.walk_packages(CRLMSegmentationLib.__path__, "CRLMSegmentationLib."):
    importlib.import_module(module.name)
"""


def test_no_module_and_nothing_that_it_loads_reaches_out(tmp_path):
    watch = NetworkWatch(tmp_path)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "CRLM_"))}
    environment = {**kept, **watch.environment, "PYTHONPATH": os.pathsep.join([str(watch.code), str(LIBRARY)])}
    done = subprocess.run([sys.executable, "-c", EVERY_MODULE], env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert ("socket.connect", "127.0.0.1", []) in watch.seen(), "nothing was watched"
    assert watch.outside() == []
