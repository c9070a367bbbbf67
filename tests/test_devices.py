"""Rows spread over several devices, which here are four parts of one CPU, give what one device gives."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import InputError
from latentinv.devices import compiled, start_distributed
from tests.several_devices import SAMPLERS

ROUNDING = 1e-4
"""Largest difference relative to the largest number: float32 sums in another order, through some layers."""


def on_four_and_one(folder, what):
    """Results on four devices and on one."""
    path = folder / "both.npz"
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    command = [sys.executable, "-m", "tests.several_devices", str(path), what]
    subprocess.run(command, env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}, check=True, timeout=600)
    with np.load(path) as tables:
        return dict(tables)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return on_four_and_one(tmp_path_factory.mktemp("devices"), "numbers")


@pytest.fixture(scope="module")
def both_draws(tmp_path_factory):
    return on_four_and_one(tmp_path_factory.mktemp("devices"), "samplers")


@pytest.mark.parametrize("name", ["density", "gradient", "jacobian", "tiles"])
def test_that_four_devices_give_the_numbers_of_one_to_rounding(both, name):
    assert (both["all devices"], both["one devices"]) == (4, 1)
    scale = np.abs(both[f"one {name}"]).max()
    np.testing.assert_allclose(both[f"all {name}"], both[f"one {name}"], rtol=0, atol=ROUNDING * scale)


def test_that_seven_rows_that_four_devices_cannot_share_evenly_are_all_there(both):
    assert both["all density"].shape == (7,)
    assert np.mean(both["all realization"] != both["one realization"]) < 1e-3


@pytest.mark.assure
@pytest.mark.parametrize("name", SAMPLERS)
def test_that_samplers_draw_on_four_devices_what_they_draw_on_one(both_draws, name):
    # A few steps on a smooth posterior cannot make much of rounding.
    np.testing.assert_allclose(both_draws[f"all {name}"], both_draws[f"one {name}"], atol=1e-3)


def test_that_a_process_must_be_told_all_of_its_place_or_nothing():
    with pytest.raises(InputError, match="some are given and some not"):
        start_distributed("127.0.0.1:1234")
    for address in ("127.0.0.1", "127.0.0.1:abc"):
        with pytest.raises(InputError, match=f"The coordinator is '{address}'; expected HOST:PORT"):
            start_distributed(address, 2, 0)
    with pytest.raises(InputError, match="The process is 2 of 2; expected a number from 0 to 1"):
        start_distributed("127.0.0.1:1234", 2, 2)


@pytest.mark.parametrize("flags", ["", "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"])
def test_that_a_program_with_options_may_be_a_part_of_another(flags, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", flags)
    double = compiled(lambda x, *, times=2: times * x, of_networks=True, static_argnames=("times",))
    assert double(jnp.arange(3.0), times=3).tolist() == [0.0, 3.0, 6.0]
    assert jax.eval_shape(double, jnp.arange(3.0)).shape == (3,)
    assert jax.jit(lambda x: double(x) + 1)(jnp.arange(3.0)).tolist() == [1.0, 3.0, 5.0]
    assert jax.grad(lambda x: double(x).sum())(jnp.arange(3.0)).tolist() == [2.0, 2.0, 2.0]
