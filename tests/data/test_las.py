"""Logs in LAS files become boreholes: curves by name, units, nulls, wrapped lines and both versions."""

import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.data import log_cells, read_las
from latentinv.errors import StorageError
from latentinv.priors.core import FaciesModel
from latentinv.study import parse_study_file
from tests.problems import random_generator_prior

pytest.importorskip("lasio", reason="lasio, of the extra 'logs', is not installed")

MODEL = FaciesModel((0, 1), (0.0,), names=("clay", "sand"))
HEAD = """~Version
VERS. {version} : CWLS log ASCII standard
WRAP. {wrap} : lines per depth
~Well
STRT.{unit} {first} :
STOP.{unit} {last} :
STEP.{unit} 0 :
NULL. {null} :
{well}
~Curve
{index}.{unit} : depth
GR.API : gamma ray
LITH. : lithology
~ASCII
{data}
"""
ROWS = [(0.0, 80.0, 0), (1.0, 75.0, 0), (2.0, 30.0, 1), (3.0, 20.0, -999.25), (4.0, 90.0, 0)]


def las(folder, rows=ROWS, *, name="a.las", wrap=False, **changed):
    lines = ["\n".join(map(str, row)) if wrap else " ".join(map(str, row)) for row in rows]
    words = {"version": 2.0, "unit": "M", "null": -999.25, "well": "WELL. A-1 : name", "index": "DEPT"} | changed
    wrapped = "YES" if wrap else "NO"
    (folder / name).write_text(
        HEAD.format(first=rows[0][0], last=rows[-1][0], data="\n".join(lines), wrap=wrapped, **words)
    )
    (folder / "collars.csv").write_text("hole,x,y,z\na-1,1.5,0,8\nB,3.5,0,8\n")
    return folder / name


def read(path, curve="lith", **settings):
    return read_las([path], path.parent / "collars.csv", curve, facies_model=MODEL, **settings)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"wrap": True},
        {"version": 1.2, "well": "WELL. WELL : A-1"},
        {"rows": ROWS[::-1]},
        {"rows": [(depth / 0.3048, *others) for depth, *others in ROWS], "unit": "FT"},
        {"rows": [(d, g, 999 if v == -999.25 else v) for d, g, v in ROWS], "null": 999},
        {"rows": [(d, g, {0: "Clay", 1: "SAND"}.get(v, v)) for d, g, v in ROWS]},
        {"well": "UWI. A-1 : id"},
        {"well": "COMP. somebody :", "name": "A-1.las"},
    ],
)
def test_that_samples_become_intervals_and_nulls_gaps(tmp_path, changed):
    (hole,) = read(las(tmp_path, **changed))
    assert (hole.name, hole.collar) == ("a-1", (1.5, 0.0, 8.0))
    np.testing.assert_allclose(hole.intervals, [(0, 1.5), (1.5, 2.5), (3.5, 4.0)], atol=1e-9)
    assert hole.facies.tolist() == [0, 1, 0]


def test_that_nothing_is_logged_across_a_gap(tmp_path):
    rows = [(0, 1, 1), (1, 1, 1), (2, 1, 1), (12, 1, 1), (13, 1, 1)]
    np.testing.assert_allclose(read(las(tmp_path, rows))[0].intervals, [(0, 3), (11, 13)])


def test_that_a_log_is_brought_to_cells_with_its_conflicts_and_survey(tmp_path):
    path = las(tmp_path)
    log = log_cells(read(path), Grid((8, 8), axes="xz"), facies_model=MODEL)
    assert log.facies[[0, 1, 3]].tolist() == [0, 1, 0]  # the null at 3 m leaves half a metre in both cells
    assert [one.split(", hole ")[1] for one in log.conflicts] == ["a-1: clay on 0.5 m, sand on 0.5 m"]
    (tmp_path / "survey.csv").write_text("hole,depth,inclination,azimuth\na-1,0,90,90\n")
    flat = log_cells(read(path, survey=tmp_path / "survey.csv"), Grid((8, 8), axes="xz"))
    assert {row for row, _ in Grid((8, 8), axes="xz").cells(flat.coordinates).tolist()} == {7}


@pytest.mark.parametrize(
    ("changed", "curve", "words"),
    [
        ({}, "FACIES", "no curve 'FACIES' beside its depth; it has GR, LITH"),
        ({}, "DEPT", "no curve 'DEPT' beside its depth"),
        ({"unit": "S"}, "LITH", "has depths in 'S'; expected M or FT"),
        ({"unit": ""}, "LITH", "has depths in no unit"),
        ({"index": "TVD"}, "LITH", "counts by TVD, no depth along the hole"),
        ({"well": "WELL. C :"}, "LITH", "hole C or a has no collar in collars.csv"),
        ({"rows": [(0, 1, 0.5), (1, 1, 0)]}, "LITH", "at 0 m, curve LITH holds 0.5; .* must not be interpolated"),
        ({"rows": [(0, 1, "grit"), (1, 1, 0)]}, "LITH", r"holds 'grit', but the prior has the facies 0 \(clay\)"),
        ({"rows": [(0, 1, 0), ("x1", 1, 0)]}, "LITH", "has the depth 'x1', which is not a number"),
        ({"rows": [(0, 1, 0), (0, 1, 0)]}, "LITH", "two samples at one depth, 0 m"),
        ({"rows": [(0, 1, -999.25), (1, 1, -999.25)]}, "LITH", "has no value"),
    ],
)
def test_that_a_log_that_would_be_misread_is_refused(tmp_path, changed, curve, words):
    with pytest.raises(InputError, match=words):
        read(las(tmp_path, **changed), curve)


def test_that_a_damaged_or_missing_log_is_one_sentence(tmp_path):
    path = las(tmp_path)
    (tmp_path / "odd.las").write_bytes(b"\x00\xff nothing of the kind")
    (tmp_path / "cut.las").write_text(path.read_text()[:-8])
    (tmp_path / "short.las").write_text(path.read_text().replace("2.0 30.0 1", "2.0 1"))
    for name in ("odd.las", "none.las", "cut.las", "short.las"):
        with pytest.raises((StorageError, InputError)) as refused:
            read(tmp_path / name)
        assert str(refused.value).count("\n") == 0
    with pytest.raises(InputError, match="a second log of hole a-1"):
        read_las([path, path], tmp_path / "collars.csv", "LITH")


def test_that_a_study_takes_logs(tmp_path):
    random_generator_prior().named(("clay", "sand")).save(tmp_path / "prior.h5")
    las(tmp_path)
    text = '[study]\nprior = "prior.h5"\ngrid = [8, 8]\naxes = "xz"\n[[boreholes]]\ncollars = "collars.csv"\n'
    file = parse_study_file(text + 'logs = ["a.las"]\ncurve = "LITH"\n', tmp_path)
    assert file.observations[0].count == 4
    for missing in ('logs = ["a.las"]\n', 'intervals = "i.csv"\ncurve = "LITH"\n', ""):
        with pytest.raises(InputError, match="need either intervals, or logs with their curve"):
            parse_study_file(text + missing, tmp_path)
