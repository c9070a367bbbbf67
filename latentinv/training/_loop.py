"""The training loop: steps, comparisons with the image, checkpoints, and the prior at the end.

All random numbers of step n come from the seed and n, so a training that was killed and resumed from its checkpoint
equals one that never stopped, bit for bit. Beside the prior are ``NAME.training.h5`` (the checkpoint, replaced whole
at each comparison) and ``NAME.samples.png`` (the sheet of samples).
"""

import contextlib
import time
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from latentinv.errors import InputError, NonFiniteError, StorageError
from latentinv.priors.learned import AbstractLearnedPrior
from latentinv.storage import atomic_hdf5, open_hdf5, read_tree, require_new, write_tree
from latentinv.training.images import TrainingImage, comparable_shape, cuttable_shape, image_levels

from ._checkpoint import FORMAT, VERSION, checkpoint_path, kept_of, read_plan, sheet_path
from ._evaluation import Comparison, calibrated, compare, nominal
from ._method import METHODS, State, Task
from ._pace import KNOWN, TRIAL, WARM, Pace, fitted, missing, require_compiled, require_enough
from ._recipe import Recipe
from ._sheet import shown_beside, write_sheet

COMPARE_SEED, CALIBRATE_SEED = 2, 3
LARGEST = 192
"""Cells along each axis of the fields that are shown and calibrated on, at most."""
WITHIN = 1.05
"""How many times as far as the nearest state so far a later one may be and yet replace it: distances differ by chance,
and later states have learned more."""
PATCHES = 1
"""Distinguishes the random numbers for patches from those for other uses of the seed."""


class TrainingListener(Protocol):
    """Follows a training, for example to show its progress."""

    def on_plan(self, recipe: Recipe) -> None:
        """Called once if the training chose its numbers of steps and comparisons, with the recipe that has them."""

    def on_step(self, step: int, losses: Any) -> None:
        """Called after each step, with a NamedTuple of losses."""

    def on_comparison(self, step: int, comparison: Comparison, kept: bool) -> None:
        """Called after each comparison with the image; `kept` says whether its state is kept, as the best so far."""


class Silence:
    """A listener that does nothing."""

    def on_plan(self, recipe: Recipe) -> None:
        """Do nothing."""

    def on_step(self, step: int, losses: Any) -> None:
        """Do nothing."""

    def on_comparison(self, step: int, comparison: Comparison, kept: bool) -> None:
        """Do nothing."""


class TrainingResult(NamedTuple):
    """The trained prior."""

    prior: AbstractLearnedPrior
    steps: int
    comparison: Comparison
    """Comparison of the state that was kept."""
    ended_early: bool = False
    """Whether it ended because comparisons no longer found a better state."""


def train(
    recipe: Recipe,
    output: str | Path,
    *,
    minutes: float | None = None,
    fill: bool = False,
    listener: TrainingListener | None = None,
) -> TrainingResult:
    """Train a prior from random weights and write it.

    Parameters
    ----------
    recipe
        All settings of the training.
    output
        The prior's file, which must not exist. A training that fails before its first comparison with the image
        leaves no checkpoint, so that it can be tried again under the same name; one that is interrupted, or whose disk
        is full, leaves it.
    minutes
        Stop after this much time even if steps remain; the result then depends on the machine's speed.
    fill
        Whether to choose the numbers of steps and comparisons so that they fill the minutes, by the pace of the first
        steps on this machine; at most those of the recipe. The recipe that the prior records has them, and training
        with it gives the same prior.
    listener
        Follows the progress.

    Raises
    ------
    InputError
        If the image does not suit the recipe, or the minutes to fill are too few.
    StorageError
        If the prior, its checkpoint or its sheet of samples exists already or cannot be written.
    NonFiniteError
        If a loss becomes NaN or infinite; the best state so far is written all the same.
    """
    require_new_training(output)
    if fill and minutes is None:
        raise InputError("The training is to fill the minutes there are, but none were given; give minutes.")
    end = _end(minutes)
    training = _Training(recipe, Path(output), listener or Silence())
    try:
        if fill:
            assert minutes is not None
            training.choose_steps(minutes, end)
        training.end_at(end)
        training.save()
        return training.run()
    except StorageError:  # its message already says how to continue
        raise
    except Exception:
        training.discard_unless_begun()
        raise


def resume_training(
    checkpoint: str | Path, *, minutes: float | None = None, listener: TrainingListener | None = None
) -> TrainingResult:
    """Continue a training from its checkpoint, as if it had never stopped.

    It takes all steps that were planned to fill a time, or else those that fit into what is left of its minutes.

    Parameters
    ----------
    checkpoint
        Its file.
    minutes
        Stop after this much time, if that is less.
    listener
        Follows the progress.

    Raises
    ------
    InputError
        If the training image is not the one the training began with.
    StorageError
        If the checkpoint cannot be read.
    """
    plan, end = read_plan(checkpoint), _end(minutes)
    training = _Training(plan.recipe, plan.output, listener or Silence())
    if training.image.fingerprint != plan.image_sha256:
        raise InputError(
            "The training image, or a map of it, has changed since this training began; restore the original."
        )
    with open_hdf5(checkpoint, FORMAT, VERSION) as file:
        training.restore(file)
    training.end_at(end)
    return training.run()


def require_new_training(output: str | Path) -> None:
    """Check, before any work, that a training can write its files.

    Raises
    ------
    StorageError
        If a file exists already, or the folder is missing or not writable.
    """
    checkpoint = checkpoint_path(output)
    if checkpoint.exists() and not Path(output).exists():
        raise StorageError(
            f"{checkpoint} exists already and belongs to an unfinished training. To continue it: latentinv resume "
            f"{checkpoint}. To start again, choose another name or remove the file."
        )
    for path in (output, checkpoint, sheet_path(output)):
        require_new(path)


def _end(minutes: float | None) -> float:
    if minutes is not None and not 0 <= minutes < np.inf:
        raise InputError(
            f"The time for the training is {minutes:g} minutes; give a finite number that is not negative."
        )
    return np.inf if minutes is None else time.monotonic() + 60 * minutes


class _Training:
    """A training under way; all that must survive a kill is in `state` and `kept`."""

    def __init__(self, recipe: Recipe, output: Path, listener: TrainingListener) -> None:
        self.recipe, self.output, self.listener = recipe, output, listener
        self.image: TrainingImage = recipe.load_image()
        self.patch = cuttable_shape(self.image, tuple(min(n, LARGEST) for n in recipe.training.patch))
        self.kept: dict[str, float] = {}
        self._begun, self._end, self._filled = time.monotonic(), np.inf, False
        if recipe.networks.family not in METHODS:
            given = f"The recipe has family = {recipe.networks.family!r} in [networks]"
            raise InputError(f"{given}; expected one of {', '.join(METHODS)}.")
        self.levels = image_levels(self.image, recipe.training.edge_width, ordered=recipe.is_ordered(self.image))
        self.method = METHODS[recipe.networks.family](Task(recipe, self.image, self.levels))
        self._real(0)  # raises errors of sampling before anything is compiled or written
        self.state: State = self.method.initial_state()

    def choose_steps(self, minutes: float, end: float) -> None:
        """Take the first steps, and choose the number of all, and of comparisons with a sheet, by their pace."""
        if len(self.method.stage(0, self.recipe.training.steps)) < self.recipe.training.steps:
            raise InputError(
                f"The recipe has family = {self.recipe.networks.family!r} in [networks], whose training goes from "
                "scale to scale, so that the pace of its first steps does not tell how many of them fill a time; give "
                "steps in [training], and do not ask to fill the minutes."
            )
        step = self._first_steps(minutes, end)
        for _ in range(2):  # the first compiles
            begun = time.monotonic()
            prior = self._prior(self.state.average, {})
            self._comparison(prior)
            self._shown(prior)
        now = time.monotonic()
        pace = Pace(step, now - begun)
        self.recipe = fitted(self.recipe, TRIAL, end - now, pace)
        require_enough(self.recipe.training.steps, minutes, minutes + (missing(TRIAL, pace) - (end - now)) / 60)
        self._filled = True
        self.listener.on_plan(self.recipe)

    def _first_steps(self, minutes: float, end: float) -> float:
        """Take them, and measure the seconds of one; end as soon as the time is over, or known to be too short."""
        begun = time.monotonic()
        for done in range(TRIAL):
            self._step(done)
            now = time.monotonic()
            if done == WARM:
                begun = now
            if done <= WARM:
                require_compiled(end - now, minutes)
                continue
            step = (now - begun) / (done - WARM)
            if now >= end or done >= KNOWN:
                left = max(0.0, end - now)
                needed = missing(done, Pace(step, 0.0))
                require_enough(done + int(left / step), minutes, minutes + (needed - (end - now)) / 60)
        return step

    def end_at(self, end: float) -> None:
        """Take no further step after a time."""
        self._end = min(self._end, end)

    def run(self) -> TrainingResult:
        """Take the steps that are left, as long as there is time."""
        training = self.recipe.training
        done = int(self.state.step)
        over = False
        while done < training.steps and not over:
            self._step(done)
            done += 1
            over = time.monotonic() >= self._end
            if done % training.evaluate_every == 0 or done == training.steps or over:
                self._compare(done)
            over = over or self._ended_early(done)
        if not self.kept:
            self._compare(done)
        return self._finish()

    def _step(self, done: int) -> None:
        self.state, losses = self.method.step(self.state, self._real(done), self._rate(done))
        if not all(np.isfinite(loss) for loss in losses):
            raise NonFiniteError(self._rescue(done))
        self.listener.on_step(done + 1, losses)

    def _rate(self, done: int) -> float:
        """Of learning at a step: 1, or less over the recipe's last share of the steps of each part of the training."""
        training = self.recipe.training
        part = self.method.stage(done, training.steps)
        cooling = max(1, round(training.cool_down * len(part)))
        return min(1.0, (part.stop - done) / cooling) if training.cool_down else 1.0

    def _whole(self, done: int) -> bool:
        """Whether all parts of the network have been trained, the last of them for a step at least."""
        steps = self.recipe.training.steps
        return self.method.stage(done - 1, steps).stop == steps

    def _ended_early(self, done: int) -> bool:
        """Whether as many comparisons as the recipe's patience have passed since the best state.

        They are counted from where the learning rates begin to fall: before that the course is not monotone, and what
        smaller rates will bring is not known.
        """
        training = self.recipe.training
        since = max(self.kept.get("step", done), (1 - training.cool_down) * training.steps)
        waited = (done - since) / training.evaluate_every
        return 0 < training.patience <= waited

    def _real(self, step: int) -> jax.Array:
        """Random patches of a step."""
        rng = np.random.default_rng([self.recipe.training.seed, step, PATCHES])
        return jnp.asarray(self.method.patches(rng, self.recipe.training.batch))

    def _compare(self, done: int) -> None:
        """Compare with the image, save, and only then draw, so that a sheet that cannot be written loses no state."""
        prior = self._prior(self.state.average, {})
        comparison = self._comparison(prior)
        # The first is kept in any case, and each until all parts are trained; after it, none that copies the image.
        rival = bool(self.kept) and self._whole(int(self.kept["step"]))
        nearest = float(self.state.best_score) if rival else np.inf
        better = comparison.score < WITHIN * nearest and not (rival and comparison.copies)
        if better:
            best = jax.tree.map(jnp.array, self.state.average)
            score = jnp.float32(min(nearest, comparison.score))
            self.state = self.state._replace(best=best, best_score=score)
            self.kept = {**comparison._asdict(), "step": float(done)}
        self.save()
        write_sheet(sheet_path(self.output), *self._shown(prior))
        self.listener.on_comparison(done, comparison, better)

    def _shown(self, prior: AbstractLearnedPrior) -> tuple[np.ndarray, np.ndarray]:
        """What the sheet of samples shows."""
        return shown_beside(prior, self.image, self.patch, COMPARE_SEED)

    def _comparison(self, prior: AbstractLearnedPrior) -> Comparison:
        return compare(prior, self.image, comparable_shape(self.image, self.patch), seed=COMPARE_SEED)

    def _prior(self, parameters: Any, provenance: dict[str, Any]) -> AbstractLearnedPrior:
        """The prior that weights make, not calibrated yet."""
        return self.method.prior(parameters, nominal(self.image, self.levels.shape[-1]), provenance)

    def save(self) -> None:
        """Replace the checkpoint."""
        with atomic_hdf5(checkpoint_path(self.output)) as file:
            file.attrs["format"] = FORMAT
            file.attrs["format_version"] = VERSION
            file.attrs["recipe"] = self.recipe.text
            file.attrs["folder"] = str(self.recipe.folder.resolve())
            file.attrs["output"] = self.output.name
            file.attrs["image_sha256"] = self.image.fingerprint
            file.attrs["steps"] = int(self.state.step)
            file.attrs["seconds"] = time.monotonic() - self._begun
            # What was planned to fill a time is completed by a resumption, which compiles again.
            file.attrs["seconds_left"] = np.inf if self._filled else self._end - time.monotonic()
            for name, value in self.kept.items():
                file.attrs[f"kept_{name}"] = value
            write_tree(file.create_group("state"), self.state)

    def discard_unless_begun(self) -> None:
        """Remove the checkpoint if it holds no state that was compared with the image."""
        path = checkpoint_path(self.output)
        with contextlib.suppress(OSError):
            with open_hdf5(path, FORMAT, VERSION) as file:
                begun = any(name.startswith("kept_") for name in file.attrs)
            if not begun:
                path.unlink()

    def restore(self, file: Any) -> None:
        """Take the state from a checkpoint."""
        # Copies, since a step donates the memory of its state, and `asarray` may share it with NumPy.
        self.state = jax.tree.map(jnp.array, read_tree(file["state"], self.state))
        self.kept = kept_of(file)
        self._begun -= float(file.attrs["seconds"])
        self._end = time.monotonic() + float(file.attrs["seconds_left"])

    def _finish(self) -> TrainingResult:
        provenance = {
            "recipe": self.recipe.text,
            "image": self.image.name,
            "image_sha256": self.image.sha256,
            "image_shape": list(self.image.facies.shape),
            "steps": int(self.state.step),
            "kept": self.kept,
            "seconds": round(time.monotonic() - self._begun),
        }
        prior = self._prior(self.state.best, provenance)
        prior = self.method.completed(calibrated(prior, self.image, self.patch, seed=CALIBRATE_SEED), self.state)
        prior.save(self.output)
        comparison = Comparison(**{name: self.kept[name] for name in Comparison._fields})
        steps = int(self.state.step)
        return TrainingResult(prior, steps, comparison, self._ended_early(steps))

    def _rescue(self, step: int) -> str:
        """Write the best state so far as the prior; return the message."""
        message, advice = f"A loss became NaN or infinite at step {step + 1}", "lower the learning rates"
        if not self.kept:
            return f"{message}; no state had been compared with the image, so no prior was written; {advice}."
        try:
            self._finish()
        except StorageError as error:
            return f"{message}; the prior could not be written: {error}"
        best = f"the best state before that, of step {self.kept['step']:.0f}, was written to {self.output}"
        return f"{message}; {best}; {advice}."
