"""Files that were made to do harm are refused before their data are read."""

import contextlib

import h5py
import numpy as np
import pytest

from latentinv import load_prior
from latentinv.errors import StorageError
from latentinv.storage import open_hdf5
from tests.problems import random_generator_prior


def declared(file, path):
    file.create_dataset("huge", (2**33,), "f8", chunks=(1024,))


def unfolding(file, path):
    file.create_dataset("zeros", data=np.zeros(2**27, np.uint8), compression="gzip")


def outside(file, path):
    (path.parent / "numbers").write_bytes(bytes(80))
    file.create_dataset("outside", (10,), "f8", external=[(path.parent / "numbers", 0, 80)])


def virtual(file, path):
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource(path, "itself", (10,))
    file.create_virtual_dataset("itself", layout)


def soft_link(file, path):
    file["soft"] = h5py.SoftLink("/arrays")


def external_link(file, path):
    file["other"] = h5py.ExternalLink("/dev/zero", "/")


def circle(file, path):
    file.create_group("a")["again"] = file["/"]


def deep(file, path):
    file.create_group("/".join("abcdefghijklmnopqrstuvwxyz"))


def kind(file, path):
    file.create_dataset("pairs", data=np.zeros(3, [("a", "f8"), ("b", "i4")]))


def named_type(file, path):
    file["kind"] = np.dtype("f8")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (declared, r"68719476736 bytes of data declared at /huge, of which 0 are stored"),
        (unfolding, r"134217728 bytes of data declared at /zeros, of which \d+ are stored"),
        (outside, "data at /outside that lie in another place"),
        (virtual, "data at /itself that lie in another place"),
        (soft_link, "a link to another place at /soft"),
        (external_link, "a link to another place at /other"),
        (circle, "more than 100000 parts, or parts within 16 others"),
        (deep, "more than 100000 parts, or parts within 16 others"),
        (kind, r"data of type .* at /pairs"),
        (named_type, "a Datatype at /kind"),
    ],
)
def test_that_what_none_of_our_files_has_is_refused(tmp_path, spoil, words):
    path = tmp_path / "prior.h5"
    random_generator_prior().save(path)
    with h5py.File(path, "r+") as file:
        spoil(file, path)
    with pytest.raises(StorageError, match=rf"prior\.h5 was not written by latentinv: it has {words}; do not use it"):
        load_prior(path)


def test_that_much_honest_data_is_read(tmp_path):
    path = tmp_path / "prior.h5"
    random_generator_prior().save(path)
    with h5py.File(path, "r+") as file:
        facies = (np.random.default_rng(0).random((20, 2000, 2000)) < 0.01).astype(np.uint8)
        file.create_dataset("facies", data=facies, compression="gzip", compression_opts=1)
        file.create_dataset("words", data=np.array(["clay", "sand"], object), dtype=h5py.string_dtype())
    with contextlib.ExitStack() as stack:
        assert stack.enter_context(open_hdf5(path, "latentinv-prior", 1))["facies"].shape == facies.shape
