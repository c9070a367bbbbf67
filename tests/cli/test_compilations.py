"""Compiled programs in the user's cache folder: where it is, how large it gets, and that it never does harm."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from latentinv.cli import _compilations
from latentinv.cli._compilations import cache_folder, compilations_kept, remove_oldest

SCRIPT = """
import sys
from latentinv.cli import _compilations
_compilations.LEAST_SECONDS = "0"
with _compilations.compilations_kept():
    import jax
    print(jax.jit(lambda x: x * 3 + 1)(2.0))
"""


@pytest.fixture
def without_jax(monkeypatch):
    """As in a process that has not imported JAX yet."""
    monkeypatch.delitem(sys.modules, "jax")


def entries(folder):
    return sorted(folder.rglob("*-cache"))


def compile_once(folder, **environment):
    """Compile one small program in a new process that keeps it in a folder, and check that it says nothing."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        env=own | {"JAX_PLATFORMS": "cpu", "LATENTINV_CACHE": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "7.0\n", "")


@pytest.mark.parametrize(
    ("system", "environment", "expected"),
    [
        ("linux", {}, "HOME/.cache/latentinv/compilations"),
        ("linux", {"XDG_CACHE_HOME": "/fast"}, "/fast/latentinv/compilations"),
        ("darwin", {"XDG_CACHE_HOME": "/fast"}, "HOME/Library/Caches/latentinv/compilations"),
        ("win32", {}, "HOME/AppData/Local/latentinv/compilations"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/latentinv/compilations"),
        ("linux", {"LATENTINV_CACHE": "/mine"}, "/mine"),
    ],
)
def test_that_the_folder_is_where_the_system_keeps_caches(monkeypatch, system, environment, expected):
    monkeypatch.setattr(sys, "platform", system)
    assert cache_folder(environment) == Path(expected.replace("HOME", str(Path.home())))


@pytest.mark.parametrize(
    "settings", [{"LATENTINV_CACHE": "off"}, {"JAX_COMPILATION_CACHE_DIR": "x"}, {"JAX_ENABLE_COMPILATION_CACHE": "0"}]
)
def test_that_a_user_turns_it_off_or_sets_the_cache_of_jax(without_jax, tmp_path, settings):
    environment = {"XDG_CACHE_HOME": str(tmp_path)} | settings
    with compilations_kept(environment):
        assert environment == {"XDG_CACHE_HOME": str(tmp_path)} | settings
    assert not list(tmp_path.iterdir())


def test_that_a_process_that_has_jax_keeps_its_settings(tmp_path):
    environment = {"LATENTINV_CACHE": str(tmp_path)}
    with compilations_kept(environment):
        assert len(environment) == 1


@pytest.mark.parametrize("reason", ["a file in its way", "it is read-only", "it is somebody else's"])
def test_that_a_folder_that_cannot_be_used_is_left_alone(without_jax, tmp_path, monkeypatch, reason):
    if reason == "a file in its way":
        (tmp_path / "cache").touch()
    elif reason == "it is read-only":
        monkeypatch.setattr(os, "access", lambda *_: False)
    else:
        monkeypatch.setattr(os, "getuid", lambda: -1)
    environment = {"LATENTINV_CACHE": str(tmp_path / "cache")}
    with compilations_kept(environment):
        assert len(environment) == 1


def test_that_the_files_used_longest_ago_go_first(tmp_path):
    for age, name in enumerate(("new", "middle", "old")):
        path = tmp_path / f"{name}-cache"
        path.write_bytes(bytes(10))
        os.utime(path, (1000 - age, 1000 - age))
    remove_oldest(tmp_path, 25)
    assert [path.name for path in entries(tmp_path)] == ["middle-cache", "new-cache"]
    remove_oldest(tmp_path / "nothing", 25)


def test_that_a_program_is_compiled_once_and_a_damaged_file_is_replaced_without_a_word(tmp_path):
    compile_once(tmp_path)
    first = entries(tmp_path)
    written = [path.stat().st_mtime_ns for path in first]
    assert first

    compile_once(tmp_path)
    assert entries(tmp_path) == first
    assert [path.stat().st_mtime_ns for path in first] == written

    for path in first:
        path.write_bytes(path.read_bytes()[:100])
    compile_once(tmp_path)
    assert not entries(tmp_path)
    compile_once(tmp_path)
    assert entries(tmp_path) == first


def test_that_the_cache_is_cut_to_its_bound_after_a_command(without_jax, tmp_path, monkeypatch):
    monkeypatch.setattr(_compilations, "LARGEST", 5)
    (tmp_path / "some-cache").write_bytes(bytes(10))
    with compilations_kept({"LATENTINV_CACHE": str(tmp_path)}):
        assert entries(tmp_path)
    assert not entries(tmp_path)
