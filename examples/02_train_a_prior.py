"""Train a small prior in a couple of minutes from a recipe, and look at its fields beside the training image.

Writes to output/: trained.h5 (the prior), trained.samples.png (the picture) and trained.training.h5 (the
checkpoint, from which `resume_training` would continue). A prior for real use takes longer to train: see models/.
"""

from pathlib import Path

from common import OUTPUT

from latentinv.training import Comparison, TrainingResult, checkpoint_path, parse_recipe, sheet_path, train

RECIPE = """
[image.simulator]            # or: file = "my_image.png"
shape = [600, 600]
seed = 1
proportion = 0.3
width = 7.0
wavelength = 64.0

[networks]
architecture = "compact"
latent_channels = 4

[training]
seed = 1
steps = {steps}
batch = 8
patch = [{patch}, {patch}]
evaluate_every = 100
"""


class Printer:
    """Prints a line at each comparison with the image."""

    def on_step(self, step: int, losses: object) -> None:
        """Print nothing for single steps."""

    def on_comparison(self, step: int, comparison: Comparison, kept: bool) -> None:
        """Print a comparison."""
        variation, wanted = comparison.total_variation, comparison.total_variation_reference
        line = f"step {step:4d}  {comparison.score:.1f} times the floor  variation {variation:.3f} (image {wanted:.3f})"
        print(line + ("  best so far" if kept else ""), flush=True)


def main(steps: int = 800, patch: int = 64, output: Path = OUTPUT) -> TrainingResult:
    """Train, and say where the picture is."""
    output.mkdir(parents=True, exist_ok=True)
    file = output / "trained.h5"
    # No training is overwritten, so an earlier one must go first.
    for earlier in (file, checkpoint_path(file), sheet_path(file)):
        earlier.unlink(missing_ok=True)
    result = train(parse_recipe(RECIPE.format(steps=steps, patch=patch), output), file, listener=Printer())
    print(f"\nprior    {file}\npicture  {sheet_path(file)} (top row: the training image)")
    return result


if __name__ == "__main__":
    main()
