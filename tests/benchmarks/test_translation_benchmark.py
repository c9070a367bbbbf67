"""The benchmark of translation counts what is kept, there and back, and compares styles before and after."""

import numpy as np
import pytest

from benchmarks import translation
from latentinv import InputError
from latentinv.training import ChannelSimulator
from tests.problems import random_cycle_prior, random_generator_prior, random_sequential_prior

BLOCKS = {"windows": (1, 1, 1), "blocks": 2}


@pytest.fixture
def case(monkeypatch):
    monkeypatch.setattr(translation, "CELLS", 16)
    return translation.Case(random_sequential_prior(**BLOCKS), (4, 4), wells=3, proposals=8, seed=0)


def test_that_translations_keep_wells_and_blocks_and_are_compared_with_the_image(case, monkeypatch):
    done = [translation.translate(case, number) for number in range(4)]
    figures = translation.kept(case, done)
    assert (figures["wells_kept"], figures["blocks_kept"]) == (1, 1)
    assert 0 < figures["cells_kept"] < 1
    assert 1 <= figures["effective_proposals"] <= 8
    assert translation.cycle(case, done, None) == {"cycle_blocks": None, "cycle_cells": None}
    back = translation.cycle(case, done, random_sequential_prior(5, **BLOCKS))
    assert back["cycle_blocks"] == 1
    assert back["cycle_cells"] < 1
    monkeypatch.setattr(translation, "STATISTICS", {"total variation": "total_variation"})
    image = ChannelSimulator().as_training_image(0, (64, 64))
    (row,) = translation.styles(case, done, image)
    assert row["key"] == "total_variation"
    assert row["before"] < row["after"]  # untrained networks draw noise, and the image is the simulator's


def test_that_what_is_kept_is_counted(case):
    field = np.zeros((16, 16), int)
    other = field.copy()
    other[:4, :4] = 1
    done = [translation.Translation(*pair, 0.5, 2.0) for pair in ((field, field), (other, field))]
    figures = translation.kept(case, done)
    assert figures["wells_kept"] == 0.5
    assert figures["blocks_kept"] == 15 / 16
    assert figures["cells_kept"] == pytest.approx(1 - 16 / 512)
    assert figures["cells_kept_by_chance"] == pytest.approx(1 - 16 / 512)
    assert figures["effective_proposals"] == 2


def test_that_edges_are_read_from_the_command_line():
    assert translation.parse(["--edges", "4x8"]).edges == (4, 8)
    assert translation.parse([]).edges == (8, 16)
    with pytest.raises(SystemExit):
        translation.parse(["--edges", "four"])


def test_that_a_learned_translation_is_measured_there_and_back_and_keeps_wells(monkeypatch):
    monkeypatch.setattr(translation, "CELLS", 16)
    monkeypatch.setattr(translation, "STATISTICS", {"total variation": "total_variation"})
    prior = random_cycle_prior(source=random_generator_prior(1, categories=(5, 7)), categories=(2, 4))
    words = translation.parse(["--cycle", "a.h5", "--fields", "4", "--wells", "3", "--conditioned", "1"])
    image = ChannelSimulator().as_training_image(0, (64, 64))
    figures = translation.learned(prior, ChannelSimulator(), image, words)
    assert figures["wells_kept"] == 1
    for name in ("cells_kept", "cells_kept_by_chance", "cycle_cells"):
        assert 0 < figures[name] < 1
    for when in ("before", "after", "prior", "source"):
        assert figures[f"{when}_over_floor"]["total_variation"] > 0
    field, there, back = translation.there_and_back(prior, ChannelSimulator(), 0, 0)
    assert field.shape == there.shape == back.shape == (16, 16)
    assert all(set(np.unique(one)) <= {0, 1} for one in (field, there, back))


def test_that_a_prior_that_is_no_translation_is_refused():
    with pytest.raises(InputError, match="family 'generator'; give one of family 'cycle'"):
        translation.main(translation.parse(["--cycle", "meanders"]))
