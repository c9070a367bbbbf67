"""What people type: plain digits only, names for files, and signals that end a program."""

import os
import signal

import pytest
import typer

from latentinv.cli._console import ENDINGS, interruptible
from latentinv.cli._parse import check_extension, parse_grid, parse_shape
from latentinv.errors import InputError


@pytest.mark.parametrize("text", ["24x30", " 24 x 30", "24×30", "24X30"])
def test_that_a_shape_is_read(text):
    assert parse_shape(text) == (24, 30)


@pytest.mark.parametrize("text", ["２４x30", "24x٣٠", "2_4x30", "24x30\n", "24", "0x3", "-2x3", "2.5x3", "1x2x3x4", ""])
def test_that_other_digits_than_plain_ones_are_refused(text):
    with pytest.raises(InputError, match="cannot be read; write ROWSxCOLUMNS"):
        parse_shape(text)


@pytest.mark.parametrize("text", ["1_0", "１", "1,٢", "ten", "1e"])
def test_that_lengths_are_plain_numbers(text):
    with pytest.raises(InputError, match=f"The spacing '{text}' cannot be read"):
        parse_grid("4x5", text, "0")


def test_that_an_output_needs_a_name(tmp_path):
    check_extension(tmp_path / "run.h5", ".h5")
    for name in (" .h5", ".h5"):
        with pytest.raises(InputError, match=r"no name before its extension|unsupported file extension"):
            check_extension(tmp_path / name, ".h5")


@pytest.mark.parametrize("ending", ENDINGS)
def test_that_a_request_to_end_is_taken_for_an_interrupt(ending, capsys):
    before = signal.signal(ending, signal.SIG_DFL)  # under nohup it is ignored
    try:
        with pytest.raises(typer.Exit) as stopped, interruptible(lambda: "Stopped. All is saved."):
            os.kill(os.getpid(), ending)
        assert signal.getsignal(ending) is signal.SIG_DFL
    finally:
        signal.signal(ending, before)
    assert stopped.value.exit_code == 130
    assert capsys.readouterr().err == "latentinv: Stopped. All is saved.\n"


@pytest.mark.parametrize("ending", ENDINGS)
def test_that_a_signal_that_is_ignored_as_under_nohup_stays_ignored(ending):
    usual = signal.signal(ending, signal.SIG_IGN)
    try:
        with interruptible(lambda: "Stopped."):
            os.kill(os.getpid(), ending)
        assert signal.getsignal(ending) is signal.SIG_IGN
    finally:
        signal.signal(ending, usual)
