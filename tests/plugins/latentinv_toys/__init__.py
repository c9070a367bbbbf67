"""A toy of each kind of part, each one file, as another package would add it to latentinv."""
