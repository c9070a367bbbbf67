"""The package as users install it."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import latentinv
from latentinv.priors import find_prior

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = (
    "braided",
    "channels",
    "channels_vae",
    "flowlines",
    "folds",
    "ketton",
    "meanders",
    "meanders_as_strebelle",
    "meanders_conditional",
    "meanders_flow",
    "singan",
    "strebelle",
)


@pytest.mark.parametrize("name", SHIPPED)
def test_that_shipped_priors_are_found_by_name_and_are_small(name):
    prior = latentinv.load_prior(name)
    assert prior.latent_size(latentinv.Grid((40,) * prior.ndim)) > 0
    assert find_prior(name).stat().st_size < 8e6


@pytest.mark.parametrize("name", SHIPPED)
def test_that_a_shipped_prior_was_made_by_its_recipe(name):
    recipe = (ROOT / "models" / f"{name}.toml").read_text(encoding="utf-8")
    assert latentinv.load_prior(name).provenance["recipe"] == recipe


def test_that_the_public_names_are_there_when_first_used_and_no_others():
    assert {"Grid", "HardData", "Posterior", "TemperedSMC", "load_prior", "sample"} <= set(latentinv.__all__)
    assert set(latentinv.__all__) <= set(dir(latentinv))
    for name in latentinv.__all__:
        assert getattr(latentinv, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        _ = latentinv.nothing


def test_that_wheels_are_to_carry_priors_with_recipe_and_card_and_no_others():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    carried = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    expected = {f"models/{name}.{ending}" for name in SHIPPED for ending in ("h5", "md", "toml")}
    assert set(carried) == expected | {"models/README.md"}
    assert all((ROOT / given).is_file() and put == f"latentinv/{given}" for given, put in carried.items())


@pytest.mark.assure
def test_that_a_wheel_carries_the_priors(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--quiet", "--wheel-dir", str(tmp_path)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("latentinv-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert {name for name in names if name.endswith(".h5")} == {f"latentinv/models/{name}.h5" for name in SHIPPED}
    assert "latentinv/py.typed" in names
    script = "import latentinv; latentinv.load_prior('meanders'); print(latentinv.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path / "site") in done.stdout
