"""README and the documentation: imports exist, links lead somewhere, and no page or command is left out."""

import ast
import importlib
import re
import textwrap
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def _blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found if "--8<--" not in text]


def test_that_readme_begins_with_the_two_commands_and_stays_short():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line.split()[:2] for line in lines if line.startswith("    ")]
    assert commands[:2] == [["make", "demo"], ["make", "test"]]
    assert len(lines) <= 150
    assert (ROOT / "docs" / "first.png").stat().st_size < 300_000


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_that_the_python_of_a_page_parses_and_imports_what_exists(page):
    for block in _blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "latentinv":
                module = importlib.import_module(node.module or "")
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_that_the_toml_of_a_page_parses(page):
    for block in _blocks(page, "toml"):
        assert tomllib.loads(block)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_that_what_a_page_links_to_is_there(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_that_every_page_stands_in_the_navigation():
    listed = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert listed == {str(page.relative_to(ROOT / "docs")) for page in PAGES[1:]}


def test_that_every_command_is_on_the_page_of_commands():
    from typer.main import get_command

    from latentinv.cli._app import app

    page = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    for name in get_command(app).commands:
        assert f"    latentinv {name} " in page, f"say what 'latentinv {name}' does"
