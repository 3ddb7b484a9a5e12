"""A whole CT to liver, vessels and tumors: `crlm preop segment` beside `nnUNetv2_predict` with the same network.

    python Testing/Benchmarks/ct_speed.py --work DIR [--rounds 3] [--runtime auto] [--steps] [--json FILE]

The CT is simulated (a seed of no study), 512 x 512 x 200, and kept in DIR. Ours reads it as a DICOM folder and writes
masks, surfaces and measures; nnU-Net reads one .nrrd and writes one label map. Both are new processes, by turns,
without mirroring, on all processors that this process may use. nnU-Net is told the class of the network, which is not
in its plans, and no more. Seconds are on the clock; memory is the largest sum of the proportional set sizes of a
process and its children, looked at ten times a second. `--steps` gives the processor time of the parts of ours, within
this process.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from machine import processor

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

from CRLMSegmentationLib.files import read_volume, write_volume
from CRLMSegmentationLib.inference.models.catalogue import model_choices
from CRLMSegmentationLib.inference.models.trained_model import Model, load_model
from CRLMSegmentationLib.simulation.ct import CtSettings, scan
from CRLMSegmentationLib.simulation.ct.dicom import write_dicom_series
from CRLMSegmentationLib.simulation.patient import draw_patient
from CRLMSegmentationLib.values import Volume

LIBRARY = Path(__file__).resolve().parents[2] / "CRLMSegmentation"
SEED, SLICES = 14000, 200
DATASET, TRAINED = "Dataset504_LVT", "nnUNetTrainer__nnUNetPlans__3d_fullres"
MB = 1e6
# nnU-Net's own command, with the network of the card in the place of that of its plans.
PREDICT = """
import sys
from CRLMSegmentationLib.inference.models.builders import NamedNetwork, Shape
from nnunetv2.inference import predict_from_raw_data as predict
class Named:
    @staticmethod
    def build_network_architecture(plans_manager, configuration_manager, num_input_channels, num_output_channels,
                                   enable_deep_supervision=True):
        import json, os
        card = json.load(open(os.environ["CRLM_CARD"]))
        shape = Shape(len(configuration_manager.patch_size), num_input_channels, num_output_channels)
        return NamedNetwork.from_card(card["network"]).build(shape)
predict.recursive_find_trainer_class_by_name = lambda name: Named
predict.predict_entry_point()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="what is made is kept here")
    parser.add_argument("--model", help="a model of the task lvt; the first one there is by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--only", choices=["ours", "nnunet"])
    parser.add_argument("--steps", action="store_true", help="time the parts of ours instead")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    model = load_model(arguments.model or model_choices("lvt")[0].name)
    ct_of(arguments.work)
    print(processor(), flush=True)
    if arguments.steps:
        steps(arguments.work, model, arguments.runtime)
        return
    ways = {
        "ours": lambda: ours(arguments.work, model, arguments.runtime),
        "nnunet": lambda: nnunet(arguments.work, model),
    }
    ways = {name: way for name, way in ways.items() if arguments.only in (None, name)}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            runs[name].append(way())
            print(f"{name}: {runs[name][-1][0]:.1f} s, {runs[name][-1][1]:.0f} MB", flush=True)
    facts: dict[str, Any] = {"processor": processor(), "rounds": arguments.rounds}
    for name, taken in runs.items():
        seconds, memory = (float(value) for value in np.median(taken, axis=0))
        facts[name] = {"seconds": round(seconds, 1), "memory_mb": round(memory)}
    if len(runs) == 2:
        facts["times_as_fast"] = round(facts["nnunet"]["seconds"] / facts["ours"]["seconds"], 2)
        facts["share_of_memory"] = round(facts["ours"]["memory_mb"] / facts["nnunet"]["memory_mb"], 2)
        facts["dice"] = agreement(arguments.work)
    text = json.dumps(facts, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")


def ct_of(work: Path) -> Volume:
    """The CT, as DIR/dicom and DIR/given/ct_0000.nrrd; made when it is not there."""
    file = work / "given" / "ct_0000.nrrd"
    if file.is_file():
        return read_volume(file)
    patient = draw_patient(SEED)
    # So many slices that the liver lies in the middle of them; what is too many is cut off below.
    height = patient.outside_mm.shape[0] + 50
    ct, _ = scan(patient, CtSettings("portal", round(height / SLICES, 2) - 0.01))
    extra = ct.voxels.shape[0] - SLICES
    matrix = ct.ijk_to_ras.copy()
    matrix[:3, 3] += extra * matrix[:3, 2]
    ct = Volume(ct.voxels[extra:], matrix, frame="CT")
    write_dicom_series(ct, work / "dicom", SEED, "portal")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_volume(ct, file)
    print(f"{' x '.join(map(str, ct.dimensions))} voxels of {' x '.join(f'{mm:.2f}' for mm in ct.spacing_mm)} mm")
    return ct


def ours(work: Path, model: Model, runtime: str) -> tuple[float, float]:
    """Seconds, and MB at the peak."""
    out = work / "ours"
    shutil.rmtree(out, ignore_errors=True)
    return measured(
        [sys.executable, "-m", "CRLMSegmentationLib.cli", "preop", "segment", str(work / "dicom"), "-o", str(out),
         "--model", str(model.folder), "--device", "cpu", "--runtime", runtime],
    )  # fmt: skip


def nnunet(work: Path, model: Model) -> tuple[float, float]:
    """Seconds, and MB at the peak."""
    import torch

    results, out = work / "results" / DATASET / TRAINED, work / "nnunet"
    if not results.is_dir():
        shutil.copytree(model.folder, results)
        weights = results / model.card.weights[0]
        kept = torch.load(weights, weights_only=True)
        named = {"trainer_name": "nnUNetTrainer", "init_args": {"configuration": model.card.configuration}}
        torch.save({**kept, **named, "inference_allowed_mirroring_axes": None}, weights)
    shutil.rmtree(out, ignore_errors=True)
    return measured(
        [sys.executable, "-c", PREDICT, "-i", str(work / "given"), "-o", str(out), "-d", DATASET, "-c", "3d_fullres",
         "-f", "0", "-device", "cpu", "--disable_tta"],
        nnUNet_results=str(work / "results"), nnUNet_raw=str(work), nnUNet_preprocessed=str(work),
        CRLM_CARD=str(model.folder / "model.json"),
    )  # fmt: skip


def measured(command: list[str], **variables: str) -> tuple[float, float]:
    """Seconds of a program on the clock, and MB at the peak of it and its children."""
    environment = {**os.environ, **variables, "PYTHONPATH": str(LIBRARY)}
    started = time.perf_counter()
    program = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8"
    )
    peak, said = [0.0], [""]
    reader = threading.Thread(target=lambda: said.append(program.stderr.read() if program.stderr else ""))
    reader.start()
    while program.poll() is None:
        peak[0] = max(peak[0], memory_mb(program.pid))
        time.sleep(0.1)
    seconds = time.perf_counter() - started
    reader.join()
    if program.returncode:
        raise RuntimeError(said[-1][-3000:])
    return seconds, peak[0]


def memory_mb(pid: int) -> float:
    """What a process and its children take, what they share counted once."""
    total = 0.0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            total += process.memory_full_info().pss / MB
    except psutil.Error:
        pass  # one of them has just ended
    return total


def agreement(work: Path) -> dict[str, float]:
    """Dice of what both found."""
    other = read_volume(work / "nnunet" / "ct.nrrd")
    found = {}
    for name, values in (("liver", (1, 2, 3)), ("vessels", (2,)), ("tumors", (3,))):
        mask = read_volume(work / "ours" / f"{name}.nrrd")
        # DICOM's axes run the other way along R and A.
        one = mask.voxels[:, ::-1, ::-1] > 0
        both = np.isin(other.voxels, values)
        found[name] = round(float(2 * (one & both).sum() / max(1, one.sum() + both.sum())), 4)
    return found


def steps(work: Path, model: Model, runtime: str) -> None:
    """Where ours spends processor time, that of all threads together, once, in this process."""
    import cProfile
    import pstats

    from CRLMSegmentationLib.files.dicom_folder import read_dicom_ct
    from CRLMSegmentationLib.inference.predictor import LocalPredictor
    from CRLMSegmentationLib.preoperative.find_structures import find_structures
    from CRLMSegmentationLib.preoperative.result_folder import write_result

    clock = time.process_time
    profile, taken = cProfile.Profile(clock), {}
    profile.enable()
    began = clock()
    ct = read_dicom_ct(work / "dicom").volume
    taken["read"] = clock()
    predictor = LocalPredictor(model, "cpu", runtime=runtime)
    taken["load"] = clock()
    found = find_structures(ct, predictor)
    taken["find"] = clock()
    write_result(found, work / "steps", {})
    taken["measure and write"] = clock()
    profile.disable()
    for name, at in taken.items():
        print(f"{name}: {at - began:.2f} s")
        began = at
    print(predictor.runtime, predictor.notice)
    pstats.Stats(profile).sort_stats("cumulative").print_stats(70)


if __name__ == "__main__":
    main()
