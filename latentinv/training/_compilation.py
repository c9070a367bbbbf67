"""Compilation of training programs, which are large and run for minutes: quickly rather than to the last per cent.

On a CPU most of a step is products by libraries, so LLVM's higher levels and XLA's newer fusions gain little, and take
longer than all else, above all for the first weights.
"""

import os
from collections.abc import Callable
from typing import Any

import jax

QUICK = {"xla_backend_optimization_level": 1, "xla_cpu_use_fusion_emitters": False}


def compiled(function: Callable[..., Any], **settings: Any) -> Any:
    """`jax.jit` with options that compile quickly on a CPU, unless the user's `XLA_FLAGS` choose them.

    Parameters
    ----------
    function, **settings
        As for `jax.jit`.
    """
    chosen = os.environ.get("XLA_FLAGS", "")
    options = {name: value for name, value in QUICK.items() if name not in chosen}
    return jax.jit(function, compiler_options=options if jax.default_backend() == "cpu" else None, **settings)
