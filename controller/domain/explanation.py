"""The chain that produced a number: which term won, which bound cut it, what it would have been."""

from dataclasses import dataclass

from controller.domain.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One candidate for a number; the largest wins."""

    reason: Reason
    value: float
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A bound that changed the number: it would have been `before` and became `after`."""

    reason: Reason
    before: float
    after: float
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A number and its chain. `subject` is what it is about, such as `prod/hdf at site gra`."""

    subject: str
    quantity: str
    value: float
    unit: str
    terms: tuple[Term, ...]
    cuts: tuple[Cut, ...] = ()

    @property
    def won(self) -> Term | None:
        """The term that decided; the first of equals."""
        won: Term | None = None
        for term in self.terms:
            if won is None or term.value > won.value:
                won = term
        return won
