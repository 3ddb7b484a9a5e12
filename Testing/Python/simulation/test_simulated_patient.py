"""One simulated patient: a liver of human size and shape, trees that fill it and do not touch, lesions where they are
said to be, and the same bytes from the same seed.
"""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.simulation.ct.tissues import brightness
from CRLMSegmentationLib.simulation.patient import LABELS, draw_operation, draw_patient, patient_labels, write_patient
from CRLMSegmentationLib.simulation.patient.checks import distance_between_walls_mm, faults_of, open_edges
from CRLMSegmentationLib.simulation.patient.liver_shape import draw_liver_shape
from CRLMSegmentationLib.simulation.patient.organs import draw_organs
from CRLMSegmentationLib.simulation.patient.vessel_growth import path_is_free
from CRLMSegmentationLib.simulation.patient.vessel_tree import VesselTree
from CRLMSegmentationLib.simulation.patient.vessels import (
    _confluence_z,
    _Growth,
    _keep_clear,
    _try_again,
    _without_contact,
)
from CRLMSegmentationLib.simulation.tubes import beads, paint_tubes
from scipy import ndimage
from vtkmodules.vtkFiltersCore import vtkMassProperties


def volume_ml(surface):
    mass = vtkMassProperties()
    mass.SetInputData(surface)
    return mass.GetVolume() / 1000


def test_the_liver_is_one_closed_body_of_human_size(patient):
    surface = patient.surface
    assert open_edges(surface) == 0
    assert volume_ml(surface) == pytest.approx(patient.liver_ml, rel=0.01)
    assert 1000 < patient.liver_ml < 2200
    wide, deep, high = np.array(surface.GetBounds()).reshape(3, 2) @ [-1, 1]
    assert 160 < wide < 260 and 110 < deep < 200 and 120 < high < 220


@pytest.mark.parametrize("seed", range(40, 52))
def test_every_liver_is_one_piece_of_human_size(seed):
    field = draw_liver_shape(np.random.default_rng(seed)).field_on_grid([-170, -90, -160], 4.0, [86, 66, 81])
    pieces, _ = ndimage.label(field < 0)
    sizes = np.bincount(pieces.ravel())[1:]
    assert sizes.max() / sizes.sum() > 0.995
    assert 950 < sizes.sum() * 0.064 < 2250
    assert (field[[0, -1]] > 0).all() and (field[:, [0, -1]] > 0).all() and (field[:, :, [0, -1]] > 0).all()


def test_branches_stay_within_the_liver(patient):
    for name in ("portal", "hepatic"):
        points, radius, _ = beads(patient.vessels.trees[name].tubes())
        assert (patient.shape.outside_mm(points[radius < 2.0]) < 0).mean() > 0.995, name


def test_no_tree_touches_another(patient):
    trees = patient.vessels.trees
    for one, other in combinations(sorted(trees), 2):
        assert distance_between_walls_mm(trees[one], trees[other]) > 0, (one, other)


def test_the_checks_find_what_is_wrong(patient):
    assert faults_of(patient) == []
    straight = VesselTree(np.array([[0.0, 0, 0], [20, 0, 0]]), np.array([-1, 0], dtype=np.int32), np.array([1.0, 1.0]))
    beside = VesselTree(np.array([[10.0, 5, -9], [10, 5, 11]]), np.array([-1, 0], dtype=np.int32), np.array([1.5, 1.5]))
    assert distance_between_walls_mm(straight, beside) == pytest.approx(2.5, abs=0.05)
    through = VesselTree(beside.points_ras - [0, 4, 0], beside.parent, beside.radius_mm)
    assert distance_between_walls_mm(straight, through) == pytest.approx(-1.5, abs=0.05)

    portal = patient.vessels.trees["portal"]
    shifted = VesselTree(portal.points_ras + [0, 0, 60], portal.parent, portal.radius_mm)
    trees = {**patient.vessels.trees, "hepatic": portal, "bile": shifted}
    broken = replace(patient, vessels=replace(patient.vessels, trees=trees, unreached={"portal": 0.4, "hepatic": 0.0}))
    said = " ".join(faults_of(broken))
    assert "'hepatic' and 'portal' overlap" in said
    assert "'bile' lie outside" in said
    assert "40 % of the liver has no twig of the tree 'portal'" in said
    lesion = patient.metastases[0]
    far = replace(lesion, center_ras=lesion.center_ras + [0, 0, 300])
    said = " ".join(faults_of(replace(patient, lesions=[lesion, lesion, far])))
    assert "A metastasis and a metastasis overlap." in said and "A metastasis lies outside" in said


def test_a_thin_vein_may_begin_in_the_vena_cava_but_not_beside_it(patient):
    axis = patient.shape.cava_axis_ras(np.linspace(-60.0, 60.0, 120))
    count = len(axis)
    hepatic = patient.vessels.trees["hepatic"]
    for beside_mm, is_fault in ((0.0, False), (-20.0, True)):
        veins = VesselTree(
            np.vstack([hepatic.points_ras, axis + [0, beside_mm, 0], axis + [6, beside_mm, 0]]),
            np.r_[hepatic.parent, np.full(count, -1), len(hepatic.parent) + np.arange(count)].astype(np.int32),
            np.concatenate([hepatic.radius_mm, np.ones(2 * count)]),
        )  # fmt: skip
        trees = {**patient.vessels.trees, "hepatic": veins}
        said = " ".join(faults_of(replace(patient, vessels=replace(patient.vessels, trees=trees))))
        assert ("'hepatic' lie outside" in said) == is_fault


@pytest.mark.parametrize("seed", [9, 10, 44])
def test_hepatic_veins_enter_the_vena_cava_where_the_liver_is_near(seed):
    """Livers behind which the vena cava passes without entering them."""
    shape = draw_liver_shape(np.random.default_rng(np.random.SeedSequence([20261, seed]).spawn(4)[0]))
    away, _ = shape.dome_and_visceral_mm(shape.cava_axis_ras(np.arange(0.0, 130.0)))
    assert away.min() > 0
    at_veins, _ = shape.dome_and_visceral_mm(shape.cava_axis_ras(np.array([_confluence_z(shape)])))
    assert at_veins[0] < away.min() + 4


def test_branches_that_found_no_way_try_again_where_too_much_is_without_twigs():
    rng, axis = np.random.default_rng(3), np.arange(12.0, 50.0, 6.0)
    places = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    places += rng.uniform(-2, 2, places.shape)
    growth = _Growth(np.full((60, 60, 60), 20, np.float32), np.zeros(3), places, rng)
    growth.supply(growth.root([30.0, 30, 8], 2.5), np.arange(len(growth.places)), 2.5, 10.0)
    growth.clearance[:] = 0.0
    growth.grow(0.5)
    assert growth.unreached > 0.9
    growth.clearance[:] = 99.0
    grown = {"portal": growth, "hepatic": growth}
    _try_again(grown)
    assert growth.unreached < 0.14
    count = growth.number
    _try_again(grown)
    assert growth.number == count


@pytest.mark.parametrize("beside_mm", [2.05, 1.93])
def test_a_branch_does_not_touch_another_tree(beside_mm):
    """Its way was looked for with its own radius, on a grid: free by 0.05 mm and closed by what it widens by, so that
    it does not; or not free either, as the grid is not exact, so that the thinner one of the two is thinner there.
    """
    rng, places = np.random.default_rng(3), np.array([[30.0, 30, 30]])
    forked, passing = (_Growth(np.full((60, 60, 60), 20, np.float32), np.zeros(3), places, rng) for _ in range(2))
    fork = forked.lead(forked.root([10.0, 30, 30], 1.2), [30, 30, 30], 1.2)
    branch = forked.lead(fork, [50, 30, 30], 1.0)
    passing.lead(passing.root([31.0, 30 + beside_mm, 10], 1.0), [31.0, 30 + beside_mm, 50], 1.0)
    grown = {"portal": forked, "bile": passing}
    _keep_clear(grown, dict.fromkeys(grown, 0))
    assert distance_between_walls_mm(forked.tree(), passing.tree()) < -0.02
    trees = _without_contact(grown)
    assert distance_between_walls_mm(trees["portal"], trees["bile"]) > 0.03
    assert fork + 1 in trees["portal"].straight and branch > fork + 1
    radii = np.concatenate([tree.radius_mm for tree in trees.values()])
    assert radii.min() == 1.0 if beside_mm > 2 else 0.85 < radii.min() < 0.95


def test_a_branch_with_long_pieces_does_not_pass_through_another_tree():
    """Its points, and the middle between them, are 1.4 mm away from the wall."""
    free = np.full((30, 30, 30), 99, np.float32)
    paint_tubes(free.T, np.zeros(3), 1.0, np.array([[11.9, 10.0, 2.0, 11.9, 10.0, 28.0, 0.5, 0.5]]), 6.0)
    deep = np.full(free.shape, 20, np.float32)

    def is_free(y: float) -> bool:
        path, start = np.array([[17.6, y, 10.0]]), np.array([10.0, y, 10.0])
        return path_is_free(path, 1, start, 0.5, 0.6, deep, free, np.zeros(3), 1.0, 0.0)

    assert not is_free(10.0) and is_free(13.0)


def test_radii_follow_murray(patient):
    for name in ("portal", "hepatic"):
        tree = patient.vessels.trees[name]
        cubes = tree.radius_mm**3
        of_children = np.zeros(len(cubes))
        np.add.at(of_children, tree.parent[tree.parent >= 0], cubes[tree.parent >= 0])
        forks = np.flatnonzero(np.bincount(tree.parent[tree.parent >= 0], minlength=len(cubes)) >= 2)
        thin = forks[tree.radius_mm[forks] < 3.0]
        assert len(thin) > 300
        assert (of_children[thin] <= cubes[thin] * 1.001).all()
        assert np.median(of_children[thin] / cubes[thin]) == pytest.approx(1, abs=0.001)


def test_trees_reach_the_whole_liver_down_to_a_millimetre(patient):
    for name, unreached in (("portal", 0.10), ("hepatic", 0.16)):
        tree = patient.vessels.trees[name]
        assert 0.9 < 2 * tree.radius_mm.min() < 1.2
        assert len(tree.ends) > 500
        assert patient.vessels.unreached[name] < unreached


def test_all_eight_segments_are_there_and_the_right_ones_are_larger(patient):
    inside = np.argwhere(patient.outside_mm < 0)[:, ::-1]
    share = np.bincount(patient.planes.segments(patient.grid_origin_ras + inside), minlength=9) / len(inside)
    assert share[0] == 0 and (share[1:] > 0.01).all()
    assert share[5:].sum() > share[2:5].sum()


def test_ridge_and_ligament_lie_on_the_surface(patient):
    for line in (patient.ridge, patient.falciform_ligament):
        assert np.abs(patient.shape.outside_mm(line)).max() < 1.5
        assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 4
    dome, visceral = patient.shape.dome_and_visceral_mm(patient.ridge)
    assert np.abs(dome - visceral).max() < 1.5
    # From the patient's right to the left, and up from the ridge towards the vena cava.
    assert patient.ridge[0, 0] > 50 and patient.ridge[-1, 0] < -50
    assert patient.falciform_ligament[-1, 2] > patient.falciform_ligament[0, 2] + 30


def test_lesions_lie_in_the_liver_and_apart(patient):
    assert patient.metastases
    for n, lesion in enumerate(patient.lesions):
        assert patient.shape.outside_mm(lesion.center_ras[None])[0] < 0
        for other in patient.lesions[n + 1 :]:
            apart = np.linalg.norm(lesion.center_ras - other.center_ras)
            assert apart > lesion.shape.largest_radius_mm() + other.shape.largest_radius_mm()


def test_labels_agree_with_what_was_drawn(patient):
    lesion = max(patient.metastases, key=lambda one: one.equivalent_diameter_mm)
    lower = np.floor(lesion.center_ras - 25)
    labels = patient_labels(patient, lower, 0.5, [101, 101, 101])
    found = labels.voxels == LABELS["metastasis"]
    inside = [one for one in patient.metastases if (np.abs(one.center_ras - lower - 25) < 15).all()]
    if len(inside) == 1 and lesion.place == "inside":
        assert found.sum() * 0.125 / 1000 == pytest.approx(lesion.shape.volume_ml(), rel=0.03)
    i, j, k = np.round((lesion.center_ras - lower) / 0.5).astype(int)
    assert found[k, j, i]
    tree = patient.vessels.trees["portal"]
    thick = tree.points_ras[(tree.radius_mm > 1.0)][40:]
    for point in thick[::50]:
        one = patient_labels(patient, point, 1.0, [1, 1, 1]).voxels[0, 0, 0]
        assert one in (
            LABELS["portal vein"],
            LABELS["metastasis"],
            LABELS["cyst"],
            LABELS["hemangioma"],
            LABELS["fat in the liver"],
        )


@pytest.mark.parametrize("seed", range(6))
def test_the_heart_lies_on_the_liver(seed):
    shape = draw_liver_shape(np.random.default_rng(seed))
    first, step = np.array([-180.0, -90.0, -180.0]), 6.0
    inside = np.argwhere(shape.field_on_grid(first, step, [61, 51, 61]) < 0)[:, ::-1]
    corners = first + step * inside.min(axis=0), first + step * inside.max(axis=0)
    organs = {organ.name: organ for organ in draw_organs(np.random.default_rng(seed), shape, *corners)}
    (whole,) = organs["myocardium"].ellipsoids
    directions = np.random.default_rng(1).standard_normal((4000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    on_heart = whole[:3] + (whole[3:6] * directions) @ whole[6:].reshape(3, 3)
    depth = -shape.outside_mm(on_heart).min()
    assert 0 < depth < 20 and (shape.outside_mm(on_heart) < 0).mean() < 0.35
    # Chambers lie within the muscle.
    for row in organs["heart"].ellipsoids:
        walls = row[:3] + (row[3:6] * directions) @ row[6:].reshape(3, 3)
        of_heart = (walls - whole[:3]) @ whole[6:].reshape(3, 3).T / whole[3:6]
        assert (of_heart * of_heart).sum(axis=1).max() < 1


def test_around_the_heart_is_muscle_as_bright_as_the_liver(patient):
    middle = patient.organ("myocardium").ellipsoids[0][:3]
    labels = patient_labels(patient, middle - 66, 3.0, [44, 44, 44]).voxels
    blood, muscle, liver = (labels == LABELS[name] for name in ("heart", "myocardium", "liver"))
    assert blood.sum() > 1000 and muscle.sum() > 1000 and liver.any()
    around = ndimage.binary_dilation(blood) & ~blood
    # Some walls are thinner than these voxels.
    assert (labels[around] == LABELS["myocardium"]).mean() > 0.8
    assert (ndimage.binary_dilation(muscle) & liver).any()
    in_ct = [brightness(np.random.default_rng(seed), "portal") for seed in range(8)]
    off_liver = [np.mean([values[LABELS[name]] - values[LABELS["liver"]] for values in in_ct])
                 for name in ("myocardium", "heart")]  # fmt: skip
    assert abs(off_liver[0]) < 15 and off_liver[1] > 15


def test_the_same_seed_gives_the_same_bytes(patient):
    again = draw_patient(3)
    assert np.array_equal(again.outside_mm, patient.outside_mm)
    for name, tree in again.vessels.trees.items():
        assert np.array_equal(tree.points_ras, patient.vessels.trees[name].points_ras)
    assert [one.center_ras.tolist() for one in again.lesions] == [one.center_ras.tolist() for one in patient.lesions]
    assert draw_liver_shape(np.random.default_rng(4)).scale != patient.shape.scale


def test_a_patient_is_written_as_files_that_open_again(patient, tmp_path):
    import SimpleITK
    from CRLMSegmentationLib.files import read_surface, read_volume

    folder = write_patient(patient, tmp_path / "p", spacing_mm=2.0)
    labels = read_volume(folder / "labels.nrrd")
    text = json.loads((folder / "parameters.json").read_text(encoding="utf-8"))
    assert text["simulated"] is True and text["labels"]["liver"] == LABELS["liver"]
    assert (labels.voxels == LABELS["liver"]).sum() * 0.008 == pytest.approx(patient.liver_ml, rel=0.15)
    assert SimpleITK.ReadImage(str(folder / "labels.nrrd")).GetSpacing() == pytest.approx((2, 2, 2))
    for name in ("liver", "portal", "hepatic", "artery", "bile", "lesions"):
        assert open_edges(read_surface(folder / "surfaces" / f"{name}.vtp")) == 0, name
    field = SimpleITK.DisplacementFieldTransform(
        SimpleITK.ReadImage(str(folder / "deformation.nrrd"), SimpleITK.sitkVectorFloat64)
    )
    center, to_lps = patient.lesions[0].center_ras, np.array([-1, -1, 1])
    moved = to_lps * field.TransformPoint((to_lps * center).tolist())
    assert moved == pytest.approx(draw_operation(patient).deformation.to_operation(center), abs=0.05)
    assert 5 <= text["deformation"]["mean_at_surface_mm"] < text["deformation"]["largest_at_surface_mm"] <= 25
    curves = json.loads((folder / "curves.json").read_text(encoding="utf-8"))
    assert np.allclose(curves["ridge"], patient.ridge, atol=1e-3) and curves["coordinate_system"] == "RAS"


def test_a_number_below_zero_is_refused():
    with pytest.raises(ConfigurationError, match="0 or more"):
        draw_patient(-1)
