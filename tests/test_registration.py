"""Registries: names, rooms and clashes."""

import pytest

from latentinv.registration import Registry


def test_that_a_part_is_found_under_its_name_in_the_order_of_names():
    registry = Registry[type]("toy", rooms=())

    @registry.register("b")
    class Second: ...

    @registry.register("a")
    class First: ...

    assert list(registry) == ["a", "b"]
    assert registry["b"] is Second
    assert len(registry) == 2
    assert "c" not in registry


def test_that_modules_of_a_room_are_imported_when_it_is_looked_into(tmp_path, monkeypatch):
    room = tmp_path / "toy_room"
    room.mkdir()
    (room / "__init__.py").write_text(
        "from latentinv.registration import Registry\nTOYS = Registry('toy', rooms=('toy_room',))\n"
    )
    (room / "_car.py").write_text("from toy_room import TOYS\n@TOYS.register('car')\nclass Car: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    import toy_room

    assert list(toy_room.TOYS) == ["car"]


def test_that_two_parts_of_one_name_are_refused():
    registry = Registry[type]("toy", rooms=())
    registry.register("a")(int)
    registry.register("a")(int)
    with pytest.raises(ValueError, match="two toys called 'a'"):
        registry.register("a")(float)
