"""The one command by which a user trains, for benchmarks that keep what it made."""

import subprocess
import sys
import time
from pathlib import Path

TRAIN = "import sys; from latentinv.cli import main; main(sys.argv[1:])"


def train_once(image: Path, output: Path, minutes: float, *options: str) -> float | None:
    """Train on an image unless the prior is there; the minutes that it took, None if they were not noted."""
    noted = output.with_suffix(".minutes")
    if not output.exists():
        begun = time.monotonic()
        words = ["train", str(image), "--output", str(output), "--minutes", str(minutes), *options]
        subprocess.run([sys.executable, "-c", TRAIN, *words], check=True)
        noted.write_text(str((time.monotonic() - begun) / 60))
    return float(noted.read_text()) if noted.exists() else None
