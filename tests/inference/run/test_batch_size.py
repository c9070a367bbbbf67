"""Batch sizes where the user gives none: as measured on CPUs, by memory on other devices, and stored as a number."""

import pytest

from latentinv import ESMDA, TemperedSMC
from latentinv.inference.run import load_run, memory_needed, sample
from latentinv.inference.run._batch_size import SHARE, fields_within, fitted
from latentinv.storage import RunFile
from tests.problems import generator_posterior

QUICK = {"particles": 8, "moves": 1, "leapfrogs": 2, "max_levels": 1, "final_rounds": 1}


@pytest.mark.parametrize("settings", [TemperedSMC(), ESMDA()])
def test_that_a_cpu_gets_the_usual_batch_and_a_user_the_own_one(settings):
    posterior = generator_posterior()
    assert fitted(settings, posterior).batch_size == settings.usual_batch
    own = type(settings)(batch_size=3)
    assert fitted(own, posterior) == own


def test_that_a_device_works_on_as_many_fields_as_half_of_its_memory_holds():
    posterior, settings = generator_posterior(), TemperedSMC()
    need = memory_needed(posterior, settings)
    assert fields_within(int((need.kept + 40.5 * need.per_field) / SHARE), settings, posterior) == 40
    assert fields_within(1000, settings, posterior) == 1


def test_that_a_run_file_holds_the_size_so_that_a_resumed_run_has_it_too(tmp_path):
    sample(generator_posterior(), TemperedSMC(**QUICK), output=tmp_path / "run.h5")
    assert RunFile.open(tmp_path / "run.h5").header.options["batch_size"] == TemperedSMC.usual_batch
    assert load_run(tmp_path / "run.h5").finished
