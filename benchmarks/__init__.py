"""Benchmarks, run as ``python -m benchmarks.NAME``: a table and, as the last line, one JSON object."""
