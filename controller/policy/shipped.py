"""Where the shipped calendars are: inside the installed package, or beside it in a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def shipped_calendars() -> Path:
    """Return the folder of the calendars that came with this version."""
    packaged = _PACKAGE / "shipped" / "calendars"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "policies" / "calendars"
