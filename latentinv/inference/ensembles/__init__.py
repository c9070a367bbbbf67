"""Ensemble smoothers."""

from ._es_mda import ESMDA as ESMDA
