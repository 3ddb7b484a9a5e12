"""Front ends ask the session's parts for what they have, and for nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import CRLMSegmentationLib
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import SessionState

LIBRARY = Path(CRLMSegmentationLib.__file__).parent
FRONT_ENDS = [
    LIBRARY.parent / "CRLMSegmentation.py", LIBRARY.parent / "CRLMSegmentationWindow", LIBRARY / "web",
    LIBRARY / "commands", LIBRARY / "pictures", LIBRARY / "mrml",
]  # fmt: skip
PARTS = ("stream", "recording", "volume", "box", "engine", "tumor", "structures", "tools", "case", "jobs")


def files():
    for place in FRONT_ENDS:
        yield from [place] if place.is_file() else place.rglob("*.py")


def test_every_part_has_what_front_ends_ask_it_for():
    session = Session()
    try:
        asked = [
            (path.name, *found.groups())
            for path in files()
            for line in path.read_text(encoding="utf-8").split("\n")
            if not line.lstrip().startswith(("from ", "import "))
            for found in re.finditer(r"(?<!Lib\.)session\.(\w+)(?:\.(\w+))?", line)
        ]
        assert len(asked) > 200
        missing = []
        for file, name, further in asked:
            part = SessionState() if name == "state" else getattr(session, name, None) if name in PARTS else None
            if not hasattr(session, name) or (further and part is not None and not hasattr(part, further)):
                missing.append((file, name, further))
        assert missing == []
    finally:
        session.close()


def test_a_session_needs_no_scene():
    code = (
        "import sys; import CRLMSegmentationLib.session.session; "
        "drawn = [name for name in sys.modules if name.split('.')[0] == 'slicer' or 'MRML' in name]; "
        "assert not drawn, drawn"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(LIBRARY.parent)})
