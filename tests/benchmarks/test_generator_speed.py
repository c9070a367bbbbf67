import numpy as np
import pytest

from benchmarks import generator_speed
from benchmarks._torch_peer import TorchPeer, torch_python, write_case

pytestmark = pytest.mark.assure

RATIOS = {
    *("forward_ratio_torch", "latent_gradient_ratio_torch", "weight_gradient_ratio_torch"),
    *("in_loop_over_top_level", "gradient_over_forward", "peak_share"),
}


def test_that_without_torch_the_ratios_are_null_and_a_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(generator_speed, "torch_python", lambda: None)
    monkeypatch.setattr(generator_speed, "PAUSE", 0.0)
    figures = generator_speed.measure(generator_speed.make_subject(1, 16), rounds=1, repetitions=1)
    assert figures.keys() >= RATIOS
    assert [figures[name] for name in sorted(RATIOS) if name.endswith("torch")] == [None] * 3
    assert figures["in_loop_over_top_level"] > 0
    assert "pip install torch==2.13.0" in capsys.readouterr().out


def test_that_torch_is_measured_by_its_better_format():
    ours = {
        "forward": [10.0, 30.0, 20.0],
        "latent_gradient": [40.0] * 3,
        "weight_gradient": [60.0] * 3,
        "latent_gradient_in_loop": [40.0 * generator_speed.LOOP] * 3,
        "product": [5.0] * 3,
    }
    theirs = {
        name: [{"a": 10.0, "b": 5.0}, {"a": 10.0, "b": 30.0}, {"a": 10.0, "b": 20.0}] for name in generator_speed.KINDS
    }
    figures = generator_speed.summary(ours, theirs, generator_speed.Work(forward=1e9, product=5e8))
    assert figures["forward_ratio_torch"] == 2.0
    assert figures["forward_layout_torch"] == "a"
    assert figures["in_loop_over_top_level"] == 1.0
    assert figures["gradient_over_forward"] == 2.0
    assert figures["peak_share"] == 0.5
    assert figures["forward_gflops"] == 50.0


def test_that_torch_gives_our_results_in_both_formats(tmp_path):
    python = torch_python()
    if python is None:
        pytest.skip("there is no environment with PyTorch (see benchmarks/README.md)")
    subject = generator_speed.make_subject(2, 17)
    results = generator_speed.our_results(generator_speed.our_calls(subject)[0])
    case = {"z": np.asarray(subject.z), **results}
    write_case(tmp_path / "case.npz", subject.architecture, subject.cells, subject.weights, case)
    with TorchPeer(python, tmp_path / "case.npz") as peer:
        assert peer.difference < 1e-3
        assert peer.milliseconds("weight_gradient", 1).keys() == {"contiguous", "channels_last"}
