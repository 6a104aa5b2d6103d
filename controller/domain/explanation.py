"""The chain that produced a number: which term won, which bound cut it, what it would have been."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import overload

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


class Explanation(Sequence[Explained]):
    """Every number of a plan with its chain, worked out when it is first read.

    Most plans change nothing and nobody asks them why: then their sentences are never made. What is worked out depends
    on values alone, so it is the same whenever it is read.
    """

    __slots__ = ("_chains", "_work_out")

    def __init__(
        self, chains: Iterable[Explained] = (), *, later: Callable[[], Iterable[Explained]] | None = None
    ) -> None:
        self._chains: tuple[Explained, ...] | None = tuple(chains) if later is None else None
        self._work_out = later

    def _worked_out(self) -> tuple[Explained, ...]:
        if self._chains is None:
            assert self._work_out is not None
            self._chains, self._work_out = tuple(self._work_out()), None
        return self._chains

    @overload
    def __getitem__(self, index: int) -> Explained: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Explained, ...]: ...
    def __getitem__(self, index: int | slice) -> Explained | tuple[Explained, ...]:
        return self._worked_out()[index]

    def __len__(self) -> int:
        return len(self._worked_out())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Explanation) and self._worked_out() == other._worked_out()

    def __hash__(self) -> int:
        return hash(self._worked_out())

    def __repr__(self) -> str:
        return f"Explanation({self._worked_out()!r})"

    def __reduce__(self) -> tuple[type["Explanation"], tuple[tuple[Explained, ...]]]:
        return Explanation, (self._worked_out(),)
