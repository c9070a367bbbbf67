"""Names of facies: words that stand for codes in tables, legends and reports.

Names are compared without regard to upper and lower case and to blanks at their ends. They say what a facies is called
and change no field, so two facies models that differ in names only are equal.
"""

from collections.abc import Mapping, Sequence

from latentinv.errors import InputError

MOST_LETTERS = 60
APART = ",;=\"'"
"""Characters that stand between names, or around them, where names are written."""


def facies_names(names: Mapping[int, str] | Sequence[str], categories: Sequence[int]) -> tuple[str, ...]:
    """Check names of facies, and put them in the order of the categories.

    Parameters
    ----------
    names
        A name for each code, or names in the order of the categories; none at all is possible.
    categories
        The facies codes.

    Raises
    ------
    InputError
        If there is not one name for each code, one is no plain word or words, or two are alike.
    """
    codes = ", ".join(map(str, categories))
    if isinstance(names, Mapping):
        if set(names) != set(categories):
            given = ", ".join(map(str, names)) or "none"
            raise InputError(f"Names were given for the facies {given}; give one for each of {codes}.")
        names = [names[code] for code in categories]
    if isinstance(names, str) or len(names) not in (0, len(categories)):
        raise InputError(f"The names {names!r} were given for the facies {codes}; give one for each, in this order.")
    for name in names:
        _check(name)
    plain = [plain_name(name) for name in names]
    twice = [name for name, other in zip(names, plain, strict=True) if plain.count(other) > 1]
    if twice:
        raise InputError(f"Two facies are called '{twice[0].strip()}'; give each its own name.")
    return tuple(name.strip() for name in names)


def plain_name(name: str) -> str:
    """A name as names are compared."""
    return name.strip().casefold()


def _check(name: str) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > MOST_LETTERS or not name.isprintable():
        raise InputError(f"The name {name!r} of a facies is no word of up to {MOST_LETTERS} letters; give another.")
    if any(letter in name for letter in APART):
        raise InputError(f"The name '{name}' of a facies has one of {' '.join(APART)} in it; leave that out.")
    try:
        float(name)
    except ValueError:
        return
    raise InputError(f"The name '{name}' of a facies is a number and could be taken for a code; give a word.")
