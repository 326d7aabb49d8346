"""Functions that do nothing with their arguments. Running them in workers shows the cost of transport alone."""


def take(*_args: object, **_kwargs: object) -> None:
    """Take arguments, and return nothing."""


def give_back(value: object) -> object:
    """Return the argument."""
    return value
