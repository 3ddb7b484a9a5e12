"""How long the steps of landmarks in a laparoscope's video take, on one core where nothing else is said.

    python Testing/Benchmarks/laparoscope.py [--frames N] [--repeats N] [--model NAME] [--threads N]
                                                [--slippa DIR] [--json FILE]

Network: a picture of 960 x 540 to the probabilities of 416 x 320 through the product's own predictor and the fastest
runtime that agrees with torch, for the networks of the recipes (random weights) and for --model; and plain torch on the
same picture at the network's size, by turns in the same run, for the ratio. Here it is time on the wall: both wait for
the same other programs. --threads is of these networks alone.

Post-processing: from the probabilities of a frame of 416 x 320 to its lines, and the search for the camera's circle (in
a video it stays where it is). The frames are views of simulated patients, each landmark as
wide as an annotator draws it, with holes, specks and a soft border, as a network gives it. Times are those of the
thread on the processor, so that other programs do not count; what the caches lose to them still does. --slippa names a
checkout of SLiPPA's code: its post-processing, mended, is timed in the same frames, by turns (see slippa_peer.py).

Pose: of the first view's true lines with a start 25 mm and 15 degrees off, the first time with a model and again.

A scope that moves: the liver with its vessels over a picture of 960 x 540, seen anew in each frame, and drawn, with the
product's own threads, on the wall and on all processors together. And the whole chain as the product runs it: a frame
in, landmarks, lines, the model seen from where the scope was, the drawn picture out (see scope_chain.py): with a
network that answers at once, with what it would say of another picture, and with --model in its process. Prints tables
in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation")]

import numpy as np  # noqa: E402
from CRLMSegmentationLib.geometry import invert_affine  # noqa: E402
from CRLMSegmentationLib.inference.image import Prediction  # noqa: E402
from CRLMSegmentationLib.inference.models.checkpoints import write_safetensors  # noqa: E402
from CRLMSegmentationLib.inference.models.model_files import write_card  # noqa: E402
from CRLMSegmentationLib.inference.models.network_plan import NetworkPlan  # noqa: E402
from CRLMSegmentationLib.inference.models.trained_model import load_model  # noqa: E402
from CRLMSegmentationLib.inference.predictor import LocalPredictor  # noqa: E402
from CRLMSegmentationLib.laparoscopy.lines.image_circle import ImageCircle, find_circle  # noqa: E402
from CRLMSegmentationLib.laparoscopy.lines.landmark_lines import lines_of, lines_of_mask  # noqa: E402
from CRLMSegmentationLib.laparoscopy.network.landmark_finder import LandmarkFinder  # noqa: E402
from CRLMSegmentationLib.laparoscopy.network.network_picture import CHANNELS, LABELS, network_picture  # noqa: E402
from CRLMSegmentationLib.laparoscopy.overlay.parts import LIVER, ModelPart, kind_of  # noqa: E402
from CRLMSegmentationLib.laparoscopy.pose.model_landmarks import ModelLandmarks  # noqa: E402
from CRLMSegmentationLib.laparoscopy.pose.registration import register_pose  # noqa: E402
from CRLMSegmentationLib.laparoscopy.pose.solver import moved  # noqa: E402
from CRLMSegmentationLib.laparoscopy.surface.mesh import mesh_of  # noqa: E402
from CRLMSegmentationLib.session.laparoscope.finder_process import begin_finder  # noqa: E402
from CRLMSegmentationLib.simulation.laparoscope import LANDMARKS, draw_views  # noqa: E402
from CRLMSegmentationLib.simulation.laparoscope.looks import draw_pictures  # noqa: E402
from CRLMSegmentationLib.simulation.patient import draw_operation, draw_patient  # noqa: E402
from CRLMSegmentationLib.simulation.patient.export import surface_of  # noqa: E402
from CRLMSegmentationLib.study.cases.dataset import RawDataset  # noqa: E402
from CRLMSegmentationLib.study.landmarks.recipe import NETWORKS, RECOMMENDED  # noqa: E402
from CRLMSegmentationLib.study.landmarks.trainer import plans_of  # noqa: E402
from CRLMSegmentationLib.study.landmarks.training import build_network  # noqa: E402
from CRLMSegmentationLib.study.training.nnunet_home import NnunetDataset, NnunetHome  # noqa: E402
from CRLMSegmentationLib.values.landmarks import LANDMARKS as POLYLINES  # noqa: E402
from scipy import ndimage  # noqa: E402
from scope_chain import measure_chain, measure_moving  # noqa: E402
from slippa_peer import classes_of, slippa_postprocessing  # noqa: E402

SIZE = (416, 320)
NAMES = ("ridge", "falciform ligament", "silhouette")


def frames(count: int):
    """(picture, probabilities) of views of simulated patients."""
    for number in range((count + 3) // 4):
        views = draw_views(draw_operation(draw_patient(100 + number)), min(4, count - 4 * number))
        for landmarks in views.landmarks:
            rng = np.random.default_rng(number)
            v = np.linspace(0, landmarks.shape[0] - 1, SIZE[1]).round().astype(int)
            u = np.linspace(0, landmarks.shape[1] - 1, SIZE[0]).round().astype(int)
            channels = np.zeros((3, SIZE[1], SIZE[0]), dtype=np.float32)
            for channel, name in zip(channels, NAMES):
                there = ndimage.binary_dilation(landmarks == LANDMARKS[name], iterations=3)[np.ix_(v, u)]
                noise = ndimage.gaussian_filter(rng.normal(0, 1, there.shape), 4) * 1.5
                channel[:] = np.clip(ndimage.gaussian_filter(1.1 * there, 1.0) + noise, 0, 1)
            circle = ImageCircle(207.0, 160.0, 185.0)
            picture = rng.uniform(60, 200, (SIZE[1], SIZE[0], 3)) * circle.inside((SIZE[1], SIZE[0]))[..., None]
            yield picture.astype(np.uint8), channels


def measure(count: int, repeats: int, slippa: Path | None) -> dict[str, float]:
    times: dict[str, list[float]] = {"circle": [], "lines": []}
    found = []
    peer, peer_ms = slippa_postprocessing(slippa) if slippa else None, []
    for picture, channels in frames(count):
        lines_of(channels, find_circle(picture))  # compiled, and in the caches
        of_frame: dict[str, list[float]] = {"circle": [], "lines": []}
        of_peer: dict[str, list[float]] = {}
        as_theirs = np.moveaxis(picture, -1, 0).astype(np.float32) / 255, classes_of(channels)
        for _ in range(repeats):
            before = time.thread_time()
            circle = find_circle(picture)
            between = time.thread_time()
            found.append(len(lines_of(channels, circle)))
            of_frame["circle"].append(between - before)
            of_frame["lines"].append(time.thread_time() - between)
            if peer:
                _timed(of_peer, "slippa", lambda: peer(*as_theirs))
        for name, values in of_frame.items():
            times[name].append(1000 * statistics.median(values))
        peer_ms += [statistics.median(values) for values in of_peer.values()]
    both = [one + other for one, other in zip(*times.values())]
    return {
        "frames": len(both),
        "lines_per_frame": statistics.mean(found),
        "circle_ms": statistics.median(times["circle"]),
        "lines_ms": statistics.median(times["lines"]),
        "post_ms": statistics.median(both),
        "post_ms_slowest_frame": max(both),
        **({"slippa_ms": statistics.median(peer_ms), "slippa_ms_slowest_frame": max(peer_ms)} if peer_ms else {}),
    }


def measure_networks(repeats: int, model_name: str | None, threads: int) -> dict[str, dict[str, float]]:
    """By network: network_ms of the product, torch_ms of plain torch, and how many times as fast the product is."""
    import torch

    torch.set_num_threads(threads)
    named: dict[str, str | Path] = {}
    found: dict[str, dict[str, float]] = {}
    picture = np.random.default_rng(1).integers(0, 255, (540, 960, 3)).astype(np.uint8)
    seen = torch.from_numpy(np.moveaxis(network_picture(picture), -1, 0)[None].astype(np.float32) / 255)
    with tempfile.TemporaryDirectory() as place:
        for name in ("residual-unet", "unet-resnet34"):
            named[name] = random_model(Path(place) / name, name)
        if model_name:
            named[model_name] = model_name
        for name, name_or_folder in named.items():
            model = load_model(name_or_folder)
            predictor = LocalPredictor(model, "cpu", threads=threads, runtime="auto")
            predictor.warm_up()
            finder, network = LandmarkFinder(predictor), NetworkPlan.of(model, threads).network(model.read_weights()[0])
            times: dict[str, list[float]] = {"network_ms": [], "torch_ms": []}
            for _ in range(repeats):
                times["network_ms"].append(finder.find(picture).network_ms)
                began = time.perf_counter()
                with torch.no_grad():
                    network(seen)
                times["torch_ms"].append(1000 * (time.perf_counter() - began))
            medians = {key: statistics.median(values) for key, values in times.items()}
            size_mb = sum((model.folder / one).stat().st_size for one in model.card.weights) / 1e6
            found[name] = {**medians, "times_as_fast": medians["torch_ms"] / medians["network_ms"], "size_mb": size_mb}
    return found


def random_model(folder: Path, network: str) -> Path:
    """A model folder of that network with random weights, as the trainer would write it."""
    recipe = replace(RECOMMENDED, network=network)
    dataset = NnunetDataset(NnunetHome(folder / "home"), "Dataset507_Landmarks", "2d")
    raw = RawDataset(dataset.home.raw, dataset.name, CHANNELS, LABELS, 2)
    names = {str(number): name for number, name in enumerate(CHANNELS)}
    text = {"channel_names": names, **LABELS.entries(), "file_ending": ".nrrd"}
    (raw.folder / "dataset.json").write_text(json.dumps(text), encoding="utf-8")
    write_safetensors(build_network(recipe).state_dict(), folder / "fold_0" / "weights.safetensors")
    (folder / "plans.json").write_text(json.dumps(plans_of(dataset)), encoding="utf-8")
    shutil.copyfile(raw.folder / "dataset.json", folder / "dataset.json")
    builder, arguments = NETWORKS[network]
    write_card(folder, {
        "name": network, "version": "random", "task": "landmarks", "margin_mm": 0, "threshold": 0.5,
        "configuration": "2d", "weights": ["fold_0/weights.safetensors"], "labels": LABELS.entries(),
        "network": {"builder": builder, "arguments": arguments},
    })  # fmt: skip
    return folder


class AtOnce:
    """In the place of a network: has its answer (3, v, u) ready."""

    def __init__(self, probabilities: np.ndarray):
        self._answer = Prediction(probabilities[:, None], tuple(POLYLINES))

    def predict(self, image, labels=None) -> Prediction:
        return self._answer


def measure_model(repeats: int, model_name: str | None, seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """Milliseconds of the pose, first and again, with reprojection_px; and of a scope that moves, with the chain where
    a network is named.
    """
    operation = draw_operation(draw_patient(100))
    patient, views = operation.patient, draw_views(operation, 1)
    curves = {"ridge": patient.ridge, "ligament": patient.falciform_ligament}
    liver = mesh_of(operation.in_reference(patient.surface))
    lines_of_model = {name: [operation.ct_to_reference(line)] for name, line in curves.items()}
    masked = np.zeros(views.landmarks[0].shape, dtype=np.uint8)
    for number, name in enumerate(NAMES):
        masked[views.landmarks[0] == LANDMARKS[name]] = number + 1
    lines, truth = lines_of_mask(masked), invert_affine(views.camera_to_reference[0])
    start = moved(truth, np.array([12.0, -12, 10, 8, 10, -9]), liver.center)
    parts = [ModelPart(LIVER, liver), *(
        ModelPart(kind_of(name), mesh_of(operation.in_reference(surface_of(patient, name))))
        for name in ("portal", "hepatic")
    )]  # fmt: skip
    picture = draw_pictures(operation, views).pictures[0]
    times: dict[str, list[float]] = {}
    register_pose(ModelLandmarks(liver, lines_of_model), views.camera, lines, start)  # compiled
    for _ in range(max(1, repeats // 4)):
        model = ModelLandmarks(liver, lines_of_model)
        _timed(times, "first_pose_ms", lambda: register_pose(model, views.camera, lines, start))
        found = _timed(times, "pose_ms", lambda: register_pose(model, views.camera, lines, start))
    pose = {name: statistics.median(values) for name, values in times.items()}
    moving = measure_moving(parts, views.camera, found.model_to_camera, picture, repeats)
    moving["triangles"] = sum(len(part.mesh.triangles) for part in parts)
    begins = {"without_network": lambda: (LandmarkFinder(AtOnce(next(frames(1))[1])), lambda: None)}
    if model_name:
        # The network's process takes as many threads as it takes in the product.
        del os.environ["OMP_NUM_THREADS"]
        begins["chain"] = lambda: begin_finder(model_name)
    for name, begin in begins.items():
        chain = measure_chain(begin, parts, views.camera, found.model_to_camera, picture, seconds)
        moving |= {f"{name}_{key}": value for key, value in chain.items()}
    return {**pose, "reprojection_px": found.reprojection_px}, moving


def _timed(times: dict[str, list[float]], name: str, what):
    began = time.thread_time()
    done = what()
    times.setdefault(name, []).append(1000 * (time.thread_time() - began))
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument(
        "--model", metavar="NAME", help="a trained model or its folder, timed beside the untrained ones"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the networks (default 1)")
    parser.add_argument("--seconds", type=float, default=6, help="of the chain (default 6)")
    parser.add_argument("--slippa", type=Path, metavar="DIR", help="a checkout of SLiPPA, timed beside")
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    figures = measure(arguments.frames, arguments.repeats, arguments.slippa)
    print("| post-processing, 416 x 320, one core | |\n| --- | --- |")
    for name, value in figures.items():
        print(f"| {name.replace('_', ' ')} | {value:.2f} |")
    networks = measure_networks(arguments.repeats, arguments.model, arguments.threads)
    print(f"\n| network, {arguments.threads} thread(s) | ms | torch, ms | times as fast | MB |\n" + "| --- " * 5 + "|")
    for name, one in networks.items():
        print(f"| {name} | {' | '.join(f'{one[key]:.1f}' for key in one)} |")
    pose, moving = measure_model(arguments.repeats, arguments.model, arguments.seconds)
    for title, found in (("pose, one core", pose), ("a scope that moves", moving)):
        print(f"\n| {title} | |\n| --- | --- |")
        for name, value in found.items():
            print(f"| {name.replace('_', ' ')} | {value:.2f} |")
    if arguments.json:
        text = json.dumps({**figures, "networks": networks, "pose": pose, "moving": moving}, indent=1)
        Path(arguments.json).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
