"""Another package adds a part of any kind by one file and an entry point, and it is used like our own.

The toys stand in a package of their own, `latentinv_toys`, with a pyproject.toml. A process that has it on its path,
with the metadata that an installer would write, samples, stores, shows, writes and reads with them.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KINDS = ("algorithm", "observation", "forward_model", "prior", "image_format", "field_format")


def install(folder):
    """Write what an installer would for the toys' pyproject.toml, so that entry points are found."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    info = folder / f"latentinv_toys-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return project["entry-points"]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the script that uses all toys printed."""
    site, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("work")
    install(site)
    done = subprocess.run(
        [sys.executable, str(HERE / "use_toys.py")],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (site, HERE, ROOT)))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_that_there_is_one_file_and_one_entry_point_for_a_toy_of_each_kind(tmp_path, found):
    groups = install(tmp_path)
    assert tuple(groups) == tuple(f"latentinv.{kind}" for kind in KINDS)
    names = [name for points in groups.values() for name in points]
    assert found["names"] == names
    files = {path.stem for path in (HERE / "latentinv_toys").glob("*.py")} - {"__init__"}
    assert files == {target.partition(".")[2] for points in groups.values() for target in points.values()}


def test_that_a_sampler_of_another_package_samples_and_its_run_is_read_and_resumed(found):
    assert found["draws"] == [64, 64, 64]
    assert found["same"]
    assert "toy_importance" in found["algorithms"]
    assert "Importance resampling of draws of the prior." in found["algorithms"]


def test_that_an_observation_of_another_package_is_stored_reported_and_shown(found):
    assert found["observation"] == "Total"
    # Of the prior the total has mean 0; the datum is 12 with standard deviation 8.
    assert found["total"][0] > 2
    assert found["total"][1] == 1
    code, words = found["shown"]
    assert code == 0
    assert "1 of 1 totals within two sd in" in words


def test_that_a_forward_model_of_another_package_is_stored_and_read(found):
    assert found["forward"] == "Steps"


def test_that_a_prior_of_another_package_is_saved_and_loaded(found):
    assert found["prior"] == "Waves"
    assert found["lengths"] == [3.0, 7.0]


def test_that_an_image_format_of_another_package_is_read_with_the_south_in_row_0(found):
    assert found["image"] == [[2, 0, 1], [0, 0, 1]]


def test_that_an_export_format_of_another_package_is_written_by_the_program(found):
    code, words = found["generated"]
    assert code == 0
    assert "2 fields of 4x5 cells in fields.csv" in words
    assert found["table"] == [[20, 4], [4.5, 3.5]]
