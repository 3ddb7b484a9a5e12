"""A simulated sweep made in a process of its own, so that the page goes on meanwhile.

`python -m CRLMSegmentationLib.web.simulator FOLDER SEED LESION DIAMETER_MM` says one JSON line for every step:
{"done": 0.4, "text": "..."}, and at the end {"sweep": path} or {"error": sentence}.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Callable

from ..errors import ConfigurationError
from ..python_process import end_process, start_python

TRUTH = "tumor.nrrd"


async def simulate(
    folder, seed: int, lesion: str, diameter_mm: float, progress: Callable[[float, str], None] | None = None
) -> Path:
    """Write a simulated case into `folder`; returns the path of its sweep. Raises ConfigurationError.

    lesion       'hypoechoic', 'hyperechoic' or 'mixed'
    diameter_mm  of the sphere with the lesion's volume
    """
    words = [str(folder), str(int(seed)), str(lesion), repr(float(diameter_mm))]
    process = start_python(__spec__.name, words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        while line := await asyncio.to_thread(process.stdout.readline):
            said = json.loads(line)
            if "error" in said:
                raise ConfigurationError(said["error"])
            if "sweep" in said:
                return Path(said["sweep"])
            if progress is not None:
                progress(said["done"], said["text"])
    finally:
        end_process(process)
        process.stdout.close()
    raise ConfigurationError("The simulator ended without a sweep; look into the terminal for the reason.")


def main(words: list[str]) -> int:
    """The child's side; returns the exit status."""
    from ..errors import CRLMError
    from ..simulation import simulate_case, write_case
    from ..simulation.settings import LesionSettings

    folder, seed, lesion, diameter_mm = words
    try:
        settings = LesionSettings(echogenicity=lesion, equivalent_diameter_mm=float(diameter_mm))
        case = simulate_case(int(seed), lesion=settings, progress=lambda done, text: _say(done=done, text=text))
        _say(done=1.0, text="Writing the sweep")
        write_case(case, folder)
    except CRLMError as error:
        _say(error=str(error))
        return 1
    _say(sweep=str(Path(folder) / "sweep.igs.mha"))
    return 0


def _say(**words) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
