"""How an action went: done, look again at T, refused until the spec changes, or held back with what it waits for."""

from dataclasses import dataclass
from datetime import datetime

from controller.domain.names import ActionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It is as the action wanted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAgainAt:
    """It could not be done now: somebody wrote meanwhile, or nobody answered."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It will be refused again until somebody changes the spec or the permissions."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """Not attempted, because an action it comes after was not done."""

    after: ActionId


Outcome = Done | LookAgainAt | Refused | HeldBack
