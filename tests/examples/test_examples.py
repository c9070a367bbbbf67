"""Each example runs, small, and leaves its picture; what they share makes the data it says."""

import ast
import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from latentinv import BlockMeans, Grid, HardData, Run
from latentinv.errors import StorageError
from latentinv.priors import FaciesModel, find_prior, load_prior
from latentinv.priors.learned import MapRange
from latentinv.simulators import Executable
from latentinv.training import ChannelSimulator, read_recipe
from tests.problems import random_generator_prior, random_sequential_prior

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "examples").glob("[0-9]*.py"))
EXAMPLES = [path.stem for path in SCRIPTS]
MOST_LINES = 40


class _TwoFacies:
    """All that tables ask of a prior."""

    facies_model = FaciesModel((0, 1), (0.0,))


@contextlib.contextmanager
def _gallery() -> Iterator[None]:
    """A script finds its neighbours in its own folder; neither it nor what it loaded may outlive a test."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "examples")
        yield
    for name in {"common", *EXAMPLES} & (set(sys.modules) - before):
        del sys.modules[name]


@pytest.fixture(autouse=True)
def _examples_on_the_path() -> Iterator[None]:
    with _gallery():
        yield


@pytest.fixture
def _meanders() -> None:
    try:
        find_prior("meanders")
    except StorageError:
        pytest.skip("the shipped prior models/meanders.h5 has not been trained")


@pytest.mark.parametrize("name", EXAMPLES)
def test_that_each_example_has_a_main_with_defaults_throughout(name):
    example = importlib.import_module(name)
    assert example.main.__defaults__ is not None
    assert len(example.main.__defaults__) == example.main.__code__.co_argcount


def _program_lines(script: Path) -> int:
    """Lines with code: neither blank nor of a docstring."""
    text = script.read_text(encoding="utf-8")
    said = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    return sum(bool(line.strip()) and n not in said for n, line in enumerate(text.splitlines(), 1))


@pytest.mark.parametrize("script", SCRIPTS, ids=EXAMPLES)
def test_that_each_example_is_an_essay_and_a_short_program(script):
    title, _, essay = (ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "").partition("\n\n")
    assert title.startswith(script.name[:2] + " ")
    assert len(essay.split()) > 60
    assert _program_lines(script) <= MOST_LINES


def test_that_the_page_of_the_gallery_has_every_script_as_it_is():
    spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "docs" / "make_gallery.py")
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    page = (gallery.GALLERY / "index.md").read_text(encoding="utf-8")
    assert page == gallery.page(), "run: python docs/make_gallery.py --page"
    assert list(gallery.SHOWN) == [script.name[:2] for script in SCRIPTS]
    for thumbnail in gallery.GALLERY.glob("*.png"):
        assert thumbnail.stem in gallery.SHOWN
        assert 0 < thumbnail.stat().st_size <= gallery.MOST_BYTES


def test_that_the_site_follows_the_recipe_of_the_prior_it_is_conditioned_with():
    parameters = dict(read_recipe(ROOT / "models" / "meanders.toml").image.simulator or {})
    del parameters["kind"], parameters["shape"], parameters["seed"]
    assert ChannelSimulator(**parameters) == ChannelSimulator()


def test_that_the_recipe_of_meanders_gives_an_image_of_its_size_and_facies():
    image = read_recipe(ROOT / "models" / "meanders.toml").load_image()
    assert image.facies.shape == (1500, 1500)
    assert image.categories == (0, 1)


def test_that_the_wells_of_the_site_show_the_truth(tmp_path):
    site = importlib.import_module("common").make_site(tmp_path)
    wells = HardData.from_csv(site.wells, site.grid, _TwoFacies())
    assert wells.count == 49
    assert set(wells.codes) == {0, 1}
    np.testing.assert_array_equal(site.truth[tuple(wells.cells.T)], wells.codes)


def test_that_the_block_means_of_the_site_lie_about_the_truth(tmp_path):
    common = importlib.import_module("common")
    site = common.make_site(tmp_path)
    blocks = BlockMeans.from_csv(site.blocks, site.grid, _TwoFacies())
    assert blocks.count == 8
    shares = np.asarray(blocks.predict_exact(2.0 * site.truth.astype(np.float32) - 1.0))
    misfit = (shares - np.asarray(blocks.observed)) / common.BLOCK_SD
    # Eight standard normal errors exceed 4.5 with probability 6e-5; the seed is fixed besides.
    assert np.all(np.abs(misfit) < 4.5)
    assert np.any(misfit != 0)


def test_that_a_site_is_the_same_each_time(tmp_path):
    make_site = importlib.import_module("common").make_site
    first, second = make_site(tmp_path / "a", 32), make_site(tmp_path / "b", 32)
    np.testing.assert_array_equal(first.truth, second.truth)
    assert first.wells.read_text() == second.wells.read_text()
    assert first.blocks.read_text() == second.blocks.read_text()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """The folder of a small demo, and its run."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo.h5").write_bytes(b"an earlier run")
    with _gallery():
        try:
            find_prior("meanders")
        except StorageError:
            pytest.skip("the shipped prior models/meanders.h5 has not been trained")
        return folder, importlib.import_module("01_first_conditioning").main(draws=8, cells=32, output=folder)


def test_that_the_demo_replaces_its_earlier_run_and_honours_every_borehole(demo):
    folder, run = demo
    assert run.realizations.shape == (8, 32, 32)
    assert all(wells.fulfilled == wells.total for wells, _ in run.reports())
    assert (folder / "demo.png").stat().st_size > 0


def test_that_the_worth_of_a_hole_is_mapped_from_the_run_of_the_demo(demo):
    folder, run = demo
    worth = importlib.import_module("11_where_to_drill_next").main(output=folder)
    assert worth.reduction.shape == (32 * 32,)
    places = run.posterior.grid.cells(worth.places)
    same = np.ptp(run.realizations[:, places[:, 0], places[:, 1]], axis=0) == 0
    # Where all draws have the same facies a hole tells nothing.
    np.testing.assert_allclose(worth.reduction[same], 0.0, atol=1e-9)
    assert (folder / "drill.png").stat().st_size > 0


def test_that_the_worth_of_a_hole_needs_the_run_of_the_demo(tmp_path):
    with pytest.raises(SystemExit, match="01_first_conditioning"):
        importlib.import_module("11_where_to_drill_next").main(output=tmp_path)


@pytest.mark.usefixtures("_meanders")
def test_that_the_large_field_is_whole_and_has_the_share_of_sand_of_its_prior(tmp_path, capsys):
    facies = importlib.import_module("09_large_grids").main(cells=256, tile=128, output=tmp_path)
    assert facies.shape == (256, 256)
    assert np.unique(facies).tolist() == [0, 1]
    # 30 % sand in channels whose share in windows of this size varies by some percent.
    assert 0.15 < facies.mean() < 0.45
    difference = float(capsys.readouterr().out.split("another size:")[1])
    assert difference < 1e-4
    assert (tmp_path / "large.png").stat().st_size > 0


@pytest.mark.assure  # compiling the sampler takes most of a minute, as of those below
@pytest.mark.usefixtures("_meanders")
def test_that_block_means_alone_are_met_and_the_others_predicted(tmp_path, capsys):
    run = importlib.import_module("03_block_means").main(draws=16, cells=32, output=tmp_path)
    # Of eight block means within two sd of exact data 7.6 are expected.
    assert np.mean([blocks.fulfilled for (blocks,) in run.reports()]) > 6
    assert capsys.readouterr().out.count("m   0.") >= 4
    assert (tmp_path / "blocks.png").stat().st_size > 0


@pytest.mark.assure
def test_that_numpyro_finds_the_noise_and_the_mean_velocity(tmp_path):
    samples = importlib.import_module("06_numpyro_around_a_prior").main(draws=200, warmup=200, output=tmp_path)
    # 144 times: the sd of 0.5 ns is known to a sixteenth, the mean velocity to a few percent.
    assert np.mean(samples["sd of the times"]) == pytest.approx(0.5, abs=0.2)
    assert np.mean(samples["mean velocity"]) == pytest.approx(0.07, rel=0.15)
    assert (tmp_path / "numpyro.png").stat().st_size > 0


@pytest.mark.assure
@pytest.mark.usefixtures("_meanders")
def test_that_two_stories_are_compared_by_evidence(tmp_path):
    example = importlib.import_module("07_choose_a_training_image")
    found = example.main(particles=8, replicates=2, cells=32, output=tmp_path)
    assert {model.name for model in found.models} == {"channels", "lenses"}
    assert all(np.isfinite(model.log_evidence) for model in found.models)
    assert (tmp_path / "evidence.png").stat().st_size > 0


@pytest.mark.assure
@pytest.mark.usefixtures("_meanders")
def test_that_the_interrupted_run_ends_with_the_same_draws(tmp_path, capsys):
    importlib.import_module("08_long_runs_and_resuming").main(draws=8, cells=32, output=tmp_path)
    said = capsys.readouterr().out
    assert "stopped; the file holds" in said
    assert "every draw is the same, bit for bit" in said


@pytest.mark.assure
def test_that_the_small_study_is_calibrated_as_far_as_a_few_replicates_tell(tmp_path):
    found = importlib.import_module("10_calibrate_your_study").main(replicates=12, output=tmp_path)
    assert found.replicates == 12
    assert found.failed == 0
    assert found.sbc.p_value > 1e-4  # the false-alarm rate
    assert (tmp_path / "calibration.png").stat().st_size > 0


@pytest.mark.assure  # compiling a training takes most of a minute
def test_that_the_training_example_leaves_a_prior_and_its_samples(tmp_path):
    result = importlib.import_module("02_your_own_training_image").main(steps=1, patch=32, output=tmp_path)
    assert result.steps == 1
    assert (tmp_path / "trained.h5").exists()
    assert (tmp_path / "trained.samples.png").exists()


@pytest.mark.usefixtures("_meanders")
def test_that_the_sheet_of_families_has_a_piece_of_the_image_and_fields_of_each(tmp_path, monkeypatch):
    monkeypatch.delenv("LATENTINV_DATA", raising=False)
    example = importlib.import_module("17_families_side_by_side")
    example.main(cells=16, learned=("meanders",), output=tmp_path)
    assert (tmp_path / "families.png").stat().st_size > 0
    panels = example.row("meanders", load_prior("meanders"), Grid((16, 16)))
    assert [panel.title for panel in panels] == ["generator: meanders, its image", "", "", "", ""]
    assert set(np.unique(panels[0].values)) <= {0, 1}  # the simulator's, which needs no file
    away = random_generator_prior(provenance={"recipe": '[image]\nfile = "nowhere.npz"\n'})
    assert np.isnan(importlib.import_module("common").piece_of_image(away, (16, 16))).all()


def test_that_translations_have_the_map_of_their_field_and_honour_its_wells(tmp_path, capsys):
    prior, grid = random_sequential_prior(windows=(1, 1, 1), blocks=2), Grid((16, 16))
    prior.save(tmp_path / "style.h5")
    example = importlib.import_module("18_from_one_style_to_another")
    field, blocks, *translations = example.row(prior, (4, 4), grid, 0)
    assert (
        blocks.values.reshape(4, 4, 4, 4).max(axis=(1, 3)) == field.values.reshape(4, 4, 4, 4).max(axis=(1, 3))
    ).all()
    for one in translations:
        column, row = np.floor(one.wells[:, :2].T).astype(int)
        assert (one.values[row, column] == one.wells[:, 2]).all()
        assert np.any(one.values != field.values)
    example.main(style=str(tmp_path / "style.h5"), size=(4, 4), cells=16, output=tmp_path)
    assert capsys.readouterr().out.count("blocks kept 1.000") == 4
    assert (tmp_path / "translated.png").stat().st_size > 0


def test_that_a_delta_is_drawn_along_its_maps(tmp_path):
    maps = (MapRange("azimuth", 0.0, 180.0, (True,) * 36), MapRange("width", 3.0, 15.0))
    random_sequential_prior(maps=maps, sees=True).save(tmp_path / "maps.h5")
    importlib.import_module("19_along_a_map").main(str(tmp_path / "maps.h5"), 20, 24, tmp_path)
    assert (tmp_path / "along_a_map.png").stat().st_size > 0


@pytest.mark.usefixtures("_meanders")
def test_that_the_optimisation_example_shows_an_optimum_for_each_start(tmp_path):
    example = importlib.import_module("12_map_of_many_starts")
    run = example.main(starts=2, iterations=2, cells=32, output=tmp_path)
    assert run.realizations.shape == (2, 32, 32)
    assert (tmp_path / "map.png").stat().st_size > 0


@pytest.mark.assure  # the flow model in every gradient takes minutes
@pytest.mark.usefixtures("_meanders")
def test_that_the_example_of_heads_honours_every_borehole_and_fits_the_heads(tmp_path):
    run = importlib.import_module("04_heads").main(particles=8, cells=32, output=tmp_path)
    reports = run.reports()
    assert all(wells.fulfilled == wells.total for wells, _ in reports)
    # Of four heads within two sd of exact data 3.8 are expected; half of all over eight draws is far below.
    assert sum(heads.fulfilled for _, heads in reports) > 0.5 * sum(heads.total for _, heads in reports)
    assert (tmp_path / "heads.png").stat().st_size > 0


@pytest.mark.assure  # compiling the sampler takes most of a minute
@pytest.mark.usefixtures("_meanders")
def test_that_the_example_of_a_jax_function_honours_every_borehole_and_fits_the_times(tmp_path):
    run = importlib.import_module("05_your_own_simulator").main(particles=8, cells=32, output=tmp_path)
    reports = run.reports()
    assert all(wells.fulfilled == wells.total for wells, _ in reports)
    # Of eight times within two sd of exact data 7.6 are expected.
    assert sum(times.fulfilled for _, times in reports) > 0.5 * sum(times.total for _, times in reports)
    assert (tmp_path / "own_function.png").stat().st_size > 0


@pytest.mark.assure  # compiling the sampler takes most of a minute
def test_that_the_example_of_a_python_class_fits_the_amplitudes(tmp_path):
    run = importlib.import_module("13_a_class_with_an_adjoint").main(samples=4, cells=16, output=tmp_path)
    assert sum(report.fulfilled for (report,) in run.reports()) > 0.8 * 4 * 100
    assert run.results["forward_failures"]["amplitudes"]["failed"] == 0
    assert (tmp_path / "own_class.png").stat().st_size > 0


def test_that_the_adjoint_of_the_python_class_is_that_of_its_simulation():
    plate = importlib.import_module("13_a_class_with_an_adjoint").Amplitudes(Grid((6, 6)), np.array([1.5, 4.5]))
    rng = np.random.default_rng(0)
    field, direction, residual = rng.uniform(0.1, 0.3, (6, 6)), rng.normal(size=(6, 6)), rng.normal(size=4)
    change = (plate.simulate(field + 1e-6 * direction) - plate.simulate(field - 1e-6 * direction)) / 2e-6
    assert np.vdot(plate.adjoint(field, residual), direction) == pytest.approx(change @ residual, rel=1e-6)


@pytest.mark.assure
def test_that_the_example_of_a_program_keeps_what_was_simulated(tmp_path):
    run = importlib.import_module("14_a_program_and_its_files").main(members=6, assimilations=1, output=tmp_path)
    assert run.results["forward_failures"]["heads"] == {"simulations": 12, "failed": 0}
    assert len(list((tmp_path / "runs").glob("*/*.npz"))) == 12  # of the ensemble before and after
    assert (tmp_path / "own_program.png").stat().st_size > 0


def test_that_our_small_program_agrees_with_opengeosys_away_from_the_well(tmp_path):
    example = importlib.import_module("14_a_program_and_its_files")
    chosen = example.program()
    if "ogs" not in Path(chosen.command[0]).name:
        pytest.skip("OpenGeoSys is not installed: pip install latentinv[opengeosys]")
    own = Executable([sys.executable, "flow.py"], example.heads_of_ours, template=example.HERE / "own_program")
    rows = np.exp(np.linspace(-8.0, -6.0, 24))[:, None] * np.ones((24, 24))
    difference = np.abs(own.simulate(rows) - chosen.simulate(rows)).reshape(5, 5)
    difference[2, 2] = 0.0  # beside the well, where both depend on their mesh
    assert difference.max() < 0.03


@pytest.mark.assure
@pytest.mark.usefixtures("_meanders")
def test_that_the_example_of_trust_prints_the_diagnosis_of_its_chains(tmp_path, capsys):
    run = importlib.import_module("15_trust_the_draws").main(draws=40, warmup=4, output=tmp_path)
    said = capsys.readouterr().out
    assert said.startswith("'smc' was chosen")
    assert str(run.diagnose()) in said
    assert "The chains do not agree yet" in said
    assert (tmp_path / "trust.png").stat().st_size > 0


@pytest.mark.assure
def test_that_the_delta_honours_vertical_and_inclined_boreholes_in_every_draw(tmp_path):
    run = importlib.import_module("16_boreholes_in_three_dimensions").main(draws=8, waves=128, output=tmp_path)
    assert all(report.fulfilled == report.total for reports in run.reports() for report in reports)
    (wells,) = run.posterior.observations
    assert len(np.unique(wells.cells[:, 2])) > 30  # the inclined hole crosses most columns
    assert (tmp_path / "delta.png").is_file()
