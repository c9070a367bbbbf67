"""02 Your own training image: from a picture to a prior.

A training image shows what the ground of your site may look like; only its patterns count, not its place. Any picture
with one colour per facies will do: its first row is the north, and colours become the codes 0, 1, … in the order of
their brightness. Here the picture is made by our channel simulator. `latentinv train training_image.png` chooses all
settings for a picture and takes half an hour; this script trains a small network for a couple of minutes from a recipe
of its own, to show what a recipe is and how a training goes. Lines tell how far fields are from the image: the floor is
the distance between two sets of pieces of the image itself. A prior for real use takes longer: see models/.

Writes to output/: training_image.png, trained.h5 (the prior), trained.samples.png (the picture; its top row shows
pieces of the image) and trained.training.h5 (the checkpoint, from which `resume_training` would continue).
"""

from pathlib import Path

import numpy as np
from common import OUTPUT
from PIL import Image

from latentinv.training import (
    ChannelSimulator,
    Comparison,
    TrainingResult,
    checkpoint_path,
    parse_recipe,
    sheet_path,
    train,
)

RECIPE = """
image = {{ file = "training_image.png" }}
networks = {{ architecture = "compact", latent_channels = 4 }}
training = {{ seed = 1, steps = {steps}, batch = 8, patch = [{patch}, {patch}], evaluate_every = 100 }}
"""
COLOURS = np.array([[70, 63, 58], [240, 192, 79]], np.uint8)  # clay is dark, sand bright


class Printer:
    """Prints a line at each comparison with the image."""

    def on_step(self, step: int, losses: object) -> None:
        """Print nothing for single steps."""

    def on_comparison(self, step: int, comparison: Comparison, kept: bool) -> None:
        """Print a comparison."""
        print(f"step {step:4d}  {comparison.score:.1f} times the floor" + ("  best so far" if kept else ""), flush=True)


def main(steps: int = 800, patch: int = 64, output: Path = OUTPUT) -> TrainingResult:
    """Make a picture, train on it, and say where the prior's fields are drawn."""
    output.mkdir(parents=True, exist_ok=True)
    facies = ChannelSimulator(width=7.0, wavelength=64.0).simulate(np.random.default_rng(1), (600, 600))
    Image.fromarray(COLOURS[facies[::-1]]).save(output / "training_image.png")  # row 0 of an array is the south
    file = output / "trained.h5"
    for earlier in (file, checkpoint_path(file), sheet_path(file)):
        earlier.unlink(missing_ok=True)  # no training is overwritten
    result = train(parse_recipe(RECIPE.format(steps=steps, patch=patch), output), file, listener=Printer())
    print(f"\nprior    {file}\npicture  {sheet_path(file)}")
    return result


if __name__ == "__main__":
    main()
