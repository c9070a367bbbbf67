"""Reports: one HTML page that says what a run was asked, what came out, and how far it can be trusted."""

from ._report import write_report as write_report
