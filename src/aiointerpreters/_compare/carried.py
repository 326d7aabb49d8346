"""Functions that do nothing with what is carried to them: workers run these, to show what the carrying alone takes."""


def take(*_args: object, **_kwargs: object) -> None:
    """Take arguments, and return nothing."""


def give_back(value: object) -> object:
    """Return the argument."""
    return value
