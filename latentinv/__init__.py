"""Condition geology to data: learned priors, boreholes honoured exactly, posteriors by simulation.

z ~ N(0, I),   x = G(z),   p(z | d) ∝ exp(−½‖z‖²) ∏ p(d_i | F_i(G(z)))

The public names are listed in ``__init__.pyi``, where type checkers find them, and imported when first used, so that
the console program can give help without waiting for JAX.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
