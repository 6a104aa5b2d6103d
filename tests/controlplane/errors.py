"""What goes wrong with real servers, told to the person who has to repair it."""

from __future__ import annotations


class PartsMissingError(Exception):
    """Says what was looked for, where, and how to get it."""


class ServerFailedError(Exception):
    """Says which server did not start, end or answer, with the last lines of its log."""


class KubectlError(Exception):
    """Says which kubectl command was refused, and what it printed on standard error."""
