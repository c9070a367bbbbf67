"""The shape of the package, read from its source: short files, no circles, rooms that keep to themselves.

`make lint` checks besides which package may import from which (the contracts in pyproject.toml).
"""

import ast
import graphlib
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "latentinv"
LONGEST = 400
KNOW_NO_OBSERVATIONS = tuple(f"latentinv.{room}" for room in ("data", "forward", "networks", "simulators", "training"))
FILES = {
    ".".join(("latentinv", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in FILES.items()}


def own_package(module):
    """The package in which a module lies; a package lies in itself."""
    return module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]


def imports(module):
    """What a module imports of latentinv, wherever in its text: (module or package, name or None)."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name.split(".")[0] == "latentinv")
        elif isinstance(node, ast.ImportFrom):
            base = own_package(module).split(".")
            source = ".".join(
                base[: len(base) + 1 - node.level] + [node.module] * bool(node.module) if node.level else [node.module]
            )
            if source.split(".")[0] == "latentinv":
                yield from ((source, alias.name) for alias in node.names)


def imported_module(source, name):
    """The module that an import reads: a submodule where the name is one."""
    submodule = f"{source}.{name}"
    return submodule if submodule in FILES else source


def found(check):
    """Places in which a check of a syntax tree finds something, as FILE:LINE."""
    return [
        f"{FILES[module].relative_to(PACKAGE.parent)}:{node.lineno}"
        for module in FILES
        for node in ast.walk(TREES[module])
        if check(module, node)
    ]


def observation_classes():
    """Names of the classes that are observations, by their bases."""
    bases = {
        node.name: {name.id for name in ast.walk(ast.Module(node.bases, [])) if isinstance(name, ast.Name)}
        for module in FILES
        if module.startswith("latentinv.data")
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.ClassDef)
    }
    known = {"AbstractObservation"}
    while more := {name for name, parents in bases.items() if parents & known} - known:
        known |= more
    return known - {"AbstractObservation"}


def test_that_no_file_is_longer_than_four_hundred_lines():
    lengths = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8").count("\n") for path in FILES.values()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_that_nobody_outside_data_asks_for_the_class_of_an_observation():
    classes = observation_classes()
    assert {"HardData", "IndirectData"} <= classes

    def asks(module, node):
        if module.startswith("latentinv.data"):
            return False
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("isinstance", "issubclass")
        ):
            asked = node.args[1]
        elif isinstance(node, ast.MatchClass):
            asked = node.cls
        elif isinstance(node, ast.Compare) and any(is_call_of_type(side) for side in (node.left, *node.comparators)):
            asked = node
        else:
            return False
        names = {part.id for part in ast.walk(asked) if isinstance(part, ast.Name)}
        names |= {part.attr for part in ast.walk(asked) if isinstance(part, ast.Attribute)}
        return bool(names & classes)

    assert found(asks) == []


def is_call_of_type(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type"


def test_that_nobody_outside_data_decides_by_the_kind_of_an_observation():
    def is_kind(node):
        return isinstance(node, ast.Attribute) and node.attr == "kind" and not ast.unparse(node).endswith("dtype.kind")

    def is_registry(node):
        return isinstance(node, ast.Name) and node.id == "OBSERVATIONS"

    def decides(module, node):
        if module.startswith(KNOW_NO_OBSERVATIONS):  # their kinds are of layers, errors and forward models
            return False
        if isinstance(node, ast.Compare):
            sides = (node.left, *node.comparators)
            registry = any(isinstance(op, ast.In | ast.NotIn) for op in node.ops) and is_registry(node.comparators[0])
            return any(is_kind(side) for side in sides) and not registry
        if isinstance(node, ast.Subscript):
            return is_kind(node.slice) and not is_registry(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            return any(is_kind(argument) for argument in node.args)
        return isinstance(node, ast.Match) and is_kind(node.subject)

    assert found(decides) == []


def test_that_no_package_imports_a_private_module_of_another_one():
    wrong = [
        f"{module} imports {source}"
        for module in FILES
        for source, name in imports(module)
        for target in [imported_module(source, name)]
        if any(part.startswith("_") for part in target.split(".")) and own_package(target) != own_package(module)
    ]
    assert wrong == []


def test_that_a_package_does_not_import_from_the_one_it_lies_in():
    wrong = [
        f"{module} imports {source}"
        for module in FILES
        for source, name in imports(module)
        if own_package(module).startswith(f"{imported_module(source, name)}.")
    ]
    assert wrong == []


def test_that_imports_go_in_no_circle():
    graph = {module: {imported_module(source, name) for source, name in imports(module)} - {module} for module in FILES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_that_packages_import_each_other_in_no_circle():
    graph = defaultdict(set)
    for module in FILES:
        for source, name in imports(module):
            mine, theirs = own_package(module), own_package(imported_module(source, name))
            if mine != theirs and not mine.startswith(f"{theirs}.") and not theirs.startswith(f"{mine}."):
                graph[mine].add(theirs)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_that_seeds_become_keys_in_one_place_and_for_one_purpose_each():
    def makes_key(module, node):
        called = isinstance(node, ast.Call) and ast.unparse(node.func) in ("jax.random.key", "jax.random.PRNGKey")
        return called and module != "latentinv.keys" and not isinstance(node.args[0], ast.Constant)

    assert found(makes_key) == []
    users = defaultdict(set)
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "from_seed":
                users[ast.unparse(node.args[1])].add(module)
    assert {purpose: modules for purpose, modules in users.items() if len(modules) > 1} == {}
