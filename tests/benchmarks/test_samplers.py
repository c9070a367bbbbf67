"""The comparison of samplers."""

import sys

import numpy as np
import pytest

from benchmarks import _pydream_peer, _sampling_problems, samplers
from benchmarks._pydream_peer import pydream_python, sample_by_pydream
from benchmarks._sampling_problems import tomography, wells_and_blocks
from latentinv.errors import InputError, StorageError
from latentinv.inference import ALGORITHMS, make_algorithm
from tests.problems import random_generator_prior

pytestmark = pytest.mark.assure

CHAINS = """
import sys
from multiprocessing.connection import Client
import numpy as np
chains, latents = int(sys.argv[3]), int(sys.argv[2])
links = [Client(sys.argv[1], "AF_UNIX") for _ in range(chains)]
answers = []
for n, link in enumerate(links):
    link.send_bytes(np.full(latents, n + 1.0).tobytes())
    answers.append(np.frombuffer(link.recv_bytes())[0])
np.save(sys.argv[5], np.array(answers))
print("1.2.3")
"""


@pytest.fixture(scope="module")
def problem():
    return samplers.Problem("tomography", tomography(6, 3, 0))


def test_that_every_algorithm_has_settings_within_any_budget():
    for name in ALGORITHMS:
        for budget in (10, 20_000):
            make_algorithm(name, samplers.settings(name, budget))


def test_that_chains_keep_to_their_budget():
    found = samplers.chain_settings(3, 12_000)
    transitions = found["warmup"] + found["draws"] // found["chains"] * found["thinning"]
    assert 0.95 * 12_000 < transitions * found["chains"] * 3 <= 12_000


def test_that_draws_are_worth_something_and_best_fits_nothing(problem):
    rows = [samplers.measure(problem, name, 3000, seed=0) for name in ("dream", "pcn", "map")]
    dream, pcn, best_fit = rows
    assert dream["forward_runs"] == pytest.approx(3000, rel=0.05)
    assert 0 < pcn["ess_per_forward"] < 1
    assert pcn["gradients"] == 0
    assert pcn["ess_per_gradient"] is None
    assert best_fit["ess"] is None
    assert best_fit["gradients"] > 0
    samplers.show_rows(problem, rows)


def test_that_an_algorithm_whose_chains_agree_is_better_than_one_whose_do_not():
    known = {"hmc": (0.5, 2.0), "smc": (0.2, 1.01), "dream": (0.01, 3.0), "pydream": (0.02, 3.0), "map": (None, None)}
    rows = [
        {"problem": "wells", "algorithm": name, "ess_per_forward": size, "rhat": rhat}
        for name, (size, rhat) in known.items()
    ]
    found = samplers.summary(rows)
    assert found["problems"][0]["best"] == "smc"
    assert found["best_over_dream_ess_per_forward"] == pytest.approx(10)
    assert found["best_over_own_dream_ess_per_forward"] == pytest.approx(20)
    assert found["rhat_max"] == 1.01
    assert found["problems"][0]["agrees"]
    without = samplers.summary([row for row in rows if row["algorithm"] != "smc"])
    assert without["problems"][0]["best"] == "hmc"  # the nearest to it
    assert not without["problems"][0]["agrees"]
    assert without["rhat_max"] == 2.0
    assert samplers.summary([row for row in rows if row["algorithm"] == "map"])["rhat_max"] is None


def test_that_an_algorithm_that_cannot_run_says_why_and_ends_nothing(problem, monkeypatch):
    monkeypatch.setattr(samplers, "settings", lambda name, budget: {"depth": 0})
    with pytest.raises(samplers.InputError, match="depth"):
        make_algorithm("nuts", samplers.settings("nuts", 1))
    assert "depth" in samplers.measure(problem, "nuts", 1, 0)["reason"]


def test_that_the_peer_is_answered_and_its_questions_are_counted(tmp_path, monkeypatch):
    script = tmp_path / "chains.py"
    script.write_text(CHAINS)
    monkeypatch.setattr(_pydream_peer, "SCRIPT", script)
    found = sample_by_pydream(sys.executable, lambda z: float(z.sum()), latents=3, chains=2, iterations=1)
    np.testing.assert_array_equal(found.latents, [3, 6])
    assert found.evaluations == 2
    assert found.version == "1.2.3"
    script.write_text("raise SystemExit('no pydream here')")
    with pytest.raises(StorageError, match="no pydream here"):
        sample_by_pydream(sys.executable, lambda z: 0.0, latents=3, chains=2, iterations=1)


@pytest.mark.parametrize("cells", [1, 126])
def test_that_wells_beyond_the_case_are_refused(cells, monkeypatch):
    case = {"true_facies": np.zeros((125, 125), int)}
    monkeypatch.setattr(_sampling_problems, "steady_flow_case", lambda: case)
    with pytest.raises(InputError, match="give from 2 to 125 along an edge"):
        wells_and_blocks(random_generator_prior(), cells, seed=0)


def test_that_pydream_samples_our_posterior_at_the_same_cost(problem):
    python = pydream_python()
    if python is None:
        pytest.skip("there is no environment with PyDREAM (see benchmarks/README.md)")
    found = samplers.measure_peer(problem, python, 400)
    assert found["forward_runs"] == pytest.approx(400, abs=20)


def test_that_a_peer_that_is_not_there_is_refused_by_name():
    with pytest.raises(StorageError, match="/no/such/python"):
        pydream_python("/no/such/python")
