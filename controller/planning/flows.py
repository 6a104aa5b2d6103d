"""The placement programme: normal flows and replicas of some ENTs, with the loss of each serving domain covered.

Everything is counted in replicas at target utilisation. For one ENT with demand `units`, sites s and domains d:

    Σ normal_s + unserved = units        normal_s ≤ replicas_s ≤ most_s
    Σ {s not in d} replicas_s + unserved_d ≥ units      for each serving domain d it stands on
    Σ {all sites} replicas_s ≤ most_replicas            where a dependency bears no more
    Σ {all ENTs} replicas_s ≤ quota_s                   for each site with a quota

Who carries what after a loss needs no columns of its own: only whether the survivors are enough. Lexicographic:
unserved by priority, unserved after a loss by priority, distance from home, cost, movement (design §5 stage 5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.domain.names import DomainName, EntKey, SiteName
from controller.planning.programme import Programme, Solution, Unsolved

UNLIMITED = float("inf")
TIE_BREAK = 0.01
"""Between equals the earlier name weighs up to this much more, so that one answer is the best. Large beside the slack
that a solver leaves between objectives, small beside a difference that anybody declared."""
TIGHT = 1e-6
"""Replicas: a loss covered with no more than this to spare is what a site was sized for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A placement that could serve."""

    site: SiteName
    most: float
    distance: float
    cost: float
    domains: tuple[DomainName, ...]
    held: float
    """Share of the traffic that is there now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one ENT asks of its slots."""

    key: EntKey
    priority: int
    units: float
    """Replicas that carry its demand at target utilisation."""
    per_unit: float
    """Demand per second that one of them carries so."""
    reserve: bool
    most_replicas: float
    """At all sites together."""
    slots: tuple[Slot, ...]

    @property
    def domains(self) -> tuple[DomainName, ...]:
        """The losses to be ready for."""
        return tuple(sorted({domain for slot in self.slots for domain in slot.domains})) if self.reserve else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The answer for one ENT, in the order of its slots."""

    normal: tuple[float, ...]
    replicas: tuple[float, ...]
    sized_for: tuple[DomainName | None, ...]
    """The loss that makes a slot larger than its normal share; None where none does."""

    def times(self, units: float) -> "Split":
        """Return the answer for so many times the demand: a programme without bounds grows in proportion."""
        return Split(
            normal=tuple([flow * units for flow in self.normal]),
            replicas=tuple([count * units for count in self.replicas]),
            sized_for=self.sized_for,
        )


def solve(wishes: Sequence[Wish], quotas: Mapping[SiteName, float]) -> dict[EntKey, Split] | Unsolved:
    """Return the lexicographic optimum of all wishes together, or why there is none."""
    return _Flows(wishes, quotas).solve()


def split_of(wish: Wish, normal: Sequence[float], replicas: Sequence[float]) -> Split:
    """Return the answer with the loss that each slot was sized for: the first, by name, with nothing to spare."""
    whole = sum(replicas)
    spare = {}
    for domain in wish.domains:
        left = whole - sum(n for slot, n in zip(wish.slots, replicas, strict=True) if domain in slot.domains)
        spare[domain] = left - wish.units
    sized_for: list[DomainName | None] = []
    for slot, flow, count in zip(wish.slots, normal, replicas, strict=True):
        losses = [d for d, left in spare.items() if d not in slot.domains and left <= TIGHT * max(1.0, wish.units)]
        sized_for.append(losses[0] if losses and count > flow + TIGHT else None)
    return Split(normal=tuple(normal), replicas=tuple(replicas), sized_for=tuple(sized_for))


def _cleaned(wish: Wish, values: Sequence[float], columns: Sequence[int]) -> list[float]:
    """Return the values without what a solver leaves behind instead of zero."""
    dust = TIGHT * wish.units
    return [values[column] if values[column] > dust else 0.0 for column in columns]


class _Flows:
    """Builds and solves the programme; the columns are kept by what they mean."""

    def __init__(self, wishes: Sequence[Wish], quotas: Mapping[SiteName, float]) -> None:
        self.wishes, self.quotas = wishes, quotas
        self.programme = Programme()
        self.normal: list[list[int]] = []
        self.replicas: list[list[int]] = []
        self.unserved: list[int] = []
        self.unserved_after: list[list[int]] = []
        self.movement: dict[int, float] = {}

    def solve(self) -> dict[EntKey, Split] | Unsolved:
        for wish in self.wishes:
            self._add(wish)
        self._add_quotas()
        solved = self.programme.solve(self._objectives())
        match solved:
            case Solution(values=values):
                return {
                    wish.key: split_of(wish, _cleaned(wish, values, flows), _cleaned(wish, values, counts))
                    for wish, flows, counts in zip(self.wishes, self.normal, self.replicas, strict=True)
                }
            case Unsolved():
                return solved

    def _add(self, wish: Wish) -> None:
        programme = self.programme
        counts = [programme.column(upper=slot.most) for slot in wish.slots]
        flows = [programme.column() for _ in wish.slots]
        for flow, count in zip(flows, counts, strict=True):
            programme.row({flow: 1.0, count: -1.0}, upper=0.0)
        if wish.most_replicas < UNLIMITED:
            programme.row(dict.fromkeys(counts, 1.0), upper=wish.most_replicas)
        short = programme.column()
        programme.equal({**dict.fromkeys(flows, 1.0), short: 1.0}, wish.units)
        losses = []
        for domain in wish.domains:
            after = programme.column()
            survivors = [c for slot, c in zip(wish.slots, counts, strict=True) if domain not in slot.domains]
            programme.row({**dict.fromkeys(survivors, 1.0), after: 1.0}, lower=wish.units)
            losses.append(after)
        for slot, flow in zip(wish.slots, flows, strict=True):
            for side in programme.distance(flow, slot.held * wish.units):
                self.movement[side] = wish.per_unit
            self.movement[flow] = TIE_BREAK * slot.cost * wish.per_unit  # between equals the cheaper, or first by name
        self.normal.append(flows)
        self.replicas.append(counts)
        self.unserved.append(short)
        self.unserved_after.append(losses)

    def _add_quotas(self) -> None:
        for site, quota in sorted(self.quotas.items()):
            here = {
                count: 1.0
                for wish, counts in zip(self.wishes, self.replicas, strict=True)
                for slot, count in zip(wish.slots, counts, strict=True)
                if slot.site == site
            }
            if here:
                self.programme.row(here, upper=quota)

    def _objectives(self) -> list[dict[int, float]]:
        priorities = sorted({wish.priority for wish in self.wishes}, reverse=True)
        objectives = [self._of_priority(priority, [[short] for short in self.unserved]) for priority in priorities]
        objectives += [self._of_priority(priority, self.unserved_after) for priority in priorities]
        return [*objectives, self._distance(), self._cost(), self.movement]

    def _of_priority(self, priority: int, columns: list[list[int]]) -> dict[int, float]:
        """Who goes short under a quota: the lower priority, and among equals the later name, every time."""
        return {
            column: wish.per_unit * (1.0 - TIE_BREAK * index / len(self.wishes))
            for index, (wish, mine) in enumerate(zip(self.wishes, columns, strict=True))
            if wish.priority == priority
            for column in mine
        }

    def _distance(self) -> dict[int, float]:
        return {
            flow: slot.distance * wish.per_unit
            for wish, flows in zip(self.wishes, self.normal, strict=True)
            for slot, flow in zip(wish.slots, flows, strict=True)
            if slot.distance
        }

    def _cost(self) -> dict[int, float]:
        return {
            count: slot.cost
            for wish, counts in zip(self.wishes, self.replicas, strict=True)
            for slot, count in zip(wish.slots, counts, strict=True)
        }
