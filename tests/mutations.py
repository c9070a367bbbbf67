"""How many faults do the tests catch? Lines chosen at random are broken, one at a time, and the tests are run.

    python -m tests.mutations --count 30 --seed 1

The faults are made in a copy of the repository. The tests named after the broken file run first, then those of its
package, then all others that ``make test`` runs, up to the first failure; tests that do not end have failed. The last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 1800.0
"""Seconds after which tests that have not ended are taken to hang."""

CORE = ("data", "forward", "inference", "posterior", "priors", "storage", "training")

COMPARISONS = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
OPERATIONS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}


@dataclass(frozen=True)
class Fault:
    """An expression of a file and what stands there instead."""

    path: Path
    line: int
    start: int
    stop: int
    right: str
    wrong: str

    def make(self, root: Path) -> None:
        """Write the broken file below ``root``."""
        source = (ROOT / self.path).read_bytes()
        broken = source[: self.start] + f"({self.wrong})".encode() + source[self.stop :]
        (root / self.path).write_bytes(broken)

    def mend(self, root: Path) -> None:
        """Write the file as it was."""
        shutil.copyfile(ROOT / self.path, root / self.path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=30, help="number of faults (default: 30)")
    parser.add_argument("--seed", type=int, default=1, help="which faults (default: 1)")
    parser.add_argument("--start", type=int, default=1, help="first fault to make, to go on after a stop (default: 1)")
    parser.add_argument("--list", action="store_true", help="print the faults and run nothing")
    options = parser.parse_args()
    faults = _choose(options.count, options.seed)[options.start - 1 :]
    if options.list:
        print("\n".join(_text(fault) for fault in faults))
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "repository"
        ignored = shutil.ignore_patterns(".git", ".venv", "output", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=ignored)
        caught = [_is_caught(fault, copy) for fault in faults]
    print(json.dumps({"faults": len(faults), "caught": sum(caught), "seed": options.seed}))


def _choose(count: int, seed: int) -> list[Fault]:
    """One fault in each of ``count`` lines, each line of the core packages as likely as any other."""
    by_line: dict[tuple[Path, int], list[Fault]] = {}
    for package in CORE:
        sources = sorted((ROOT / "latentinv" / package).rglob("*.py")) or [ROOT / "latentinv" / f"{package}.py"]
        for path in sources:
            for fault in _faults(path):
                by_line.setdefault((fault.path, fault.line), []).append(fault)
    generator = random.Random(seed)
    lines = generator.sample(sorted(by_line), min(count, len(by_line)))
    return [generator.choice(by_line[line]) for line in lines]


def _faults(path: Path) -> Iterator[Fault]:
    """All faults that can be made in a file."""
    source = path.read_text(encoding="utf-8")
    rows = source.encode().splitlines(keepends=True)
    starts = [sum(map(len, rows[:row])) for row in range(len(rows) + 1)]
    for node in _executed(ast.parse(source)):
        wrong = _broken(node)
        if wrong is not None:
            start = starts[node.lineno - 1] + node.col_offset
            stop = starts[node.end_lineno - 1] + node.end_col_offset
            right = source.encode()[start:stop].decode()
            yield Fault(path.relative_to(ROOT), node.lineno, start, stop, right, wrong)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """The expressions below ``node`` that compute something: no annotations, and nothing an f-string says."""
    for name, child in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for item in child if isinstance(child, list) else [child]:
            if isinstance(item, ast.AST) and not isinstance(item, (ast.JoinedStr, ast.Raise)):
                yield item
                yield from _executed(item)


def _broken(node: ast.AST) -> str | None:
    """The expression with its fault; None where there is none to make."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        flipped = [COMPARISONS[type(node.ops[0])](), *node.ops[1:]]
        return ast.unparse(ast.Compare(node.left, flipped, node.comparators))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        return ast.unparse(ast.BinOp(node.left, OPERATIONS[type(node.op)](), node.right))
    if isinstance(node, ast.BoolOp):
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        return ast.unparse(ast.BoolOp(other, node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        return ast.unparse(node.operand)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return repr(node.value + 1)
    return None


def _is_caught(fault: Fault, copy: Path) -> bool:
    """Whether the tests fail with the fault in the copy."""
    fault.make(copy)
    try:
        caught = any(_tests_fail(copy, tests) for tests in _nearest_first(fault.path))
    finally:
        fault.mend(copy)
    print(f"{'caught  ' if caught else 'survived'}  {_text(fault)}", flush=True)
    return caught


def _nearest_first(path: Path) -> Iterator[list[str]]:
    """Arguments of pytest for ``latentinv/data/_area.py``: ``tests/**/test_area*.py``, ``tests/data``, and the rest."""
    named = sorted(str(test.relative_to(ROOT)) for test in (ROOT / "tests").rglob(f"test_{path.stem.strip('_')}*.py"))
    if named:
        yield named
    without = [f"--ignore={test}" for test in named]
    folders = [Path("tests", *parent.parts[1:]) for parent in path.parents if len(parent.parts) > 1]
    nearest = next((str(folder) for folder in folders if (ROOT / folder).is_dir()), None)
    if nearest is not None:
        yield [nearest, *without]
        without.append(f"--ignore={nearest}")
    yield ["tests", *without]


def _tests_fail(copy: Path, arguments: list[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "auto", "--dist", "worksteal", *arguments]
    quick = (
        "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false "
        "--xla_cpu_parallel_codegen_split_count=1"
    )
    data = os.environ.get("LATENTINV_DATA", str(ROOT.parent / "shared" / "data"))
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": quick, "LATENTINV_DATA": data}
    silent = subprocess.DEVNULL
    tests = subprocess.Popen(command, cwd=copy, env=environment, stdout=silent, stderr=silent, start_new_session=True)
    try:
        # No tests at all, 5, is no failure.
        return tests.wait(LONGEST) not in (0, 5)
    except subprocess.TimeoutExpired:
        os.killpg(tests.pid, signal.SIGKILL)
        return True


def _text(fault: Fault) -> str:
    return f"{fault.path}:{fault.line}: {fault.right} -> {fault.wrong}"


if __name__ == "__main__":
    main()
