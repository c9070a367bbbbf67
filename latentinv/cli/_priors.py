"""`latentinv priors`: which priors are shipped, and what their cards say of them."""

import re
from pathlib import Path

from ._console import make_console
from ._json import Json, print_json


def priors(as_json: Json = False) -> None:
    """List the shipped priors: what they are of, and what their cards say."""
    from rich.table import Table

    from latentinv.priors import load_prior, shipped_priors

    rows, listed = [], []
    for name, path in shipped_priors().items():
        prior = load_prior(path)
        model = prior.facies_model
        facies, names = (None, None) if model is None else (model.categories, model.names)
        latents, card = prior.describe().get("latents", ""), _said_by(path.with_suffix(".md"))
        content = {"facies": facies, "names": names, "axes": prior.ndim, "latents": latents}
        rows.append({"name": name, **content, "card": card})
        listed.append("a property" if model is None else model.listed())
    if as_json:
        return print_json(rows)
    table = Table("name", "facies", "dimensions", "latents", "its card says", show_lines=True)
    for row, said in zip(rows, listed, strict=True):
        table.add_row(row["name"], said, str(row["axes"]), str(row["latents"]), row["card"])
    make_console().print(table)


def _said_by(card: Path) -> str:
    """The first paragraph of a card, and its verdict if it has one."""
    if not card.is_file():
        return "no card: kept for comparison, not for use"
    text = card.read_text(encoding="utf-8")
    first = next((part for part in text.split("\n\n") if not part.startswith(("#", "|"))), "")
    verdict = re.search(r"^(Good|Fair|Poor): .*$", text, re.MULTILINE)
    return " ".join([*first.split(), *([] if verdict is None else [verdict[0]])])
