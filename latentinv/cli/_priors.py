"""`latentinv priors`: which priors are shipped, and what their cards say of them."""

import re
from pathlib import Path
from typing import Annotated

import typer

from ._console import make_console
from ._json import Json, print_json
from ._show import draw_samples


def priors(
    pictures: Annotated[
        Path | None, typer.Option(help="Folder to write a sheet of fields of each into, as NAME.png.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the shipped priors: what they are of, and what their cards say."""
    from rich.table import Table

    from latentinv.priors import load_prior, shipped_priors
    from latentinv.storage import require_new

    shipped = shipped_priors()
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for name in shipped:
            require_new(pictures / f"{name}.png")
    rows, listed = [], []
    for name, path in shipped.items():
        prior = load_prior(path)
        model = prior.facies_model
        facies, names = (None, None) if model is None else (model.categories, model.names)
        latents, card = prior.describe().get("latents", ""), _said_by(path.with_suffix(".md"))
        content = {"facies": facies, "names": names, "axes": prior.ndim, "latents": latents}
        rows.append({"name": name, "family": prior.to_record().family, **content, "card": card})
        listed.append("a property" if model is None else model.listed())
        if pictures is not None:
            draw_samples(prior, name, pictures / f"{name}.png")
    if as_json:
        return print_json(rows)
    console, table = (
        make_console(),
        Table("name", "facies", "axes", "family, latents", "its card says", show_lines=True),
    )
    for row, said in zip(rows, listed, strict=True):
        network = f"{row['family']}: {row['latents']}"
        table.add_row(row["name"], said, str(row["axes"]), network, row["card"])
    console.print(table)
    if pictures is not None:
        console.print(f"sheets of samples in {pictures}", soft_wrap=True)


def _said_by(card: Path) -> str:
    """The first paragraph of a card, and its verdict if it has one."""
    if not card.is_file():
        return "no card: kept for comparison, not for use"
    text = card.read_text(encoding="utf-8")
    first = next((part for part in text.split("\n\n") if not part.startswith(("#", "|"))), "")
    verdict = re.search(r"^(Good|Fair|Poor): .*$", text, re.MULTILINE)
    return " ".join([*first.split(), *([] if verdict is None else [verdict[0]])])
