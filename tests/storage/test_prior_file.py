"""Prior files: bit for bit there and back, and no damaged file is taken for a prior."""

import h5py
import numpy as np
import pytest

from latentinv.errors import InputError, StorageError
from latentinv.storage import PriorRecord, digest, read_prior, write_prior


def example():
    rng = np.random.default_rng(1)
    arrays = {
        "layer 0/kernel": rng.standard_normal((3, 3, 4)).astype(np.float32),
        "layer 0/bias": rng.standard_normal(4),
        "thresholds": np.float32(0.5),
        "codes": np.uint8([0, 3]),
        "empty": np.zeros((0, 2)),
        ".": np.array([True]),
    }
    metadata = {
        "image": "channels ü",
        "sha256": "0a",
        "sizes": [1, 2],
        "slope": float("inf"),
        "none": None,
        "n": {},
    }
    return PriorRecord("generator", metadata, arrays)


def assert_same(record, expected):
    assert (record.family, record.metadata) == (expected.family, expected.metadata)
    assert set(record.arrays) == set(expected.arrays)
    for name, array in expected.arrays.items():
        found = record.arrays[name]
        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_that_a_prior_comes_back_bit_for_bit(tmp_path):
    write_prior(tmp_path / "p.h5", example())
    record = read_prior(tmp_path / "p.h5")
    assert_same(record, example())
    assert digest(record) == digest(example())


def test_that_big_metadata_fits(tmp_path):
    record = PriorRecord("generator", {"history": list(np.linspace(0, 1, 20000))}, {})
    write_prior(tmp_path / "p.h5", record)
    assert_same(read_prior(tmp_path / "p.h5"), record)


def test_that_the_digest_does_not_depend_on_the_order_of_names_and_tells_all_else():
    record = example()
    turned = PriorRecord(record.family, dict(reversed(record.metadata.items())), dict(reversed(record.arrays.items())))
    assert digest(turned) == digest(record)
    codes = record.arrays["codes"]
    others = [
        record._replace(family="gaussian"),
        record._replace(metadata=record.metadata | {"sizes": [1, 3]}),
        *(record._replace(arrays=record.arrays | {"codes": c}) for c in (codes[::-1], codes[None], codes.view(bool))),
        record._replace(arrays=record.arrays | {"more": codes}),
    ]
    assert len({digest(other) for other in [record, *others]}) == len(others) + 1


@pytest.mark.parametrize("part", ["array", "metadata", "family"])
def test_that_changed_content_is_refused(tmp_path, part):
    path = tmp_path / "p.h5"
    write_prior(path, example())
    with h5py.File(path, "r+") as file:
        if part == "array":
            file["arrays/codes"][0] = 1
        else:
            file.attrs[part] = '{"image":"other"}'
    with pytest.raises(StorageError, match="is damaged: its content does not match its digest; copy it again") as error:
        read_prior(path)
    assert str(path) in str(error.value)


def test_that_a_part_of_a_file_is_refused_wherever_it_ends(tmp_path):
    path, part = tmp_path / "p.h5", tmp_path / "part.h5"
    write_prior(path, example())
    content = path.read_bytes()
    cuts = np.random.default_rng(2).integers(0, len(content), 150)
    for cut in {*range(10), *cuts.tolist(), len(content) - 1}:
        part.write_bytes(content[:cut])
        with pytest.raises(StorageError):
            read_prior(part)


def test_that_a_damaged_file_gives_the_right_content_or_is_refused(tmp_path):
    path, damaged = tmp_path / "p.h5", tmp_path / "damaged.h5"
    write_prior(path, example())
    content = path.read_bytes()
    rng, refused = np.random.default_rng(3), []
    for position in rng.integers(0, len(content), 300):
        changed = bytearray(content)
        changed[position] ^= int(rng.integers(1, 256))
        damaged.write_bytes(changed)
        try:
            assert_same(read_prior(damaged), example())
        except StorageError as error:
            refused.append(str(error))
    assert all("\n" not in sentence for sentence in refused)
    assert len(refused) > 20


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (PriorRecord("g", {"x": {1: 2}}, {}), r"The prior's metadata\['x'\] has the key 1; expected texts"),
        (PriorRecord("g", {"x": [object()]}, {}), r"The prior's metadata\['x'\]\[0\] is a object; expected"),
        (PriorRecord("g", {}, {"w": np.array(["a"])}), "The prior's array 'w' has values of type <U1"),
        (PriorRecord("g", {}, {"": np.zeros(2)}), "An array has an empty name"),
    ],
)
def test_that_what_cannot_be_stored_is_refused_and_nothing_is_left(tmp_path, record, says):
    with pytest.raises(InputError, match=says):
        write_prior(tmp_path / "p.h5", record)
    assert list(tmp_path.iterdir()) == []
