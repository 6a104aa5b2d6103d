"""A plan as text for somebody who was not there: what is done, what is not and why, and the chain behind every number.

Grouped by ENT. Of each number the term that won stands first, then what the others would have asked for, then the
bounds that cut it in the order in which they did, and how much of it is reserve.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from controller.domain.explanation import Cut, Explained, Explanation, Term
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import (
    Action,
    Admission,
    Because,
    Condition,
    ConditionStatus,
    ConditionType,
    Plan,
    SetAdmission,
    SetDnsTargets,
    SetFloor,
    SetReplicas,
    SetWeights,
    Withheld,
)
from controller.domain.reasons import Reason
from controller.domain.timetable import Audience

WELL_WHEN_FALSE = frozenset(
    {
        ConditionType.TRAFFIC_SHIFTED,
        ConditionType.SCALING_LIMITED,
        ConditionType.BOTTLENECK_ELSEWHERE,
        ConditionType.RIVAL_WRITER,
        ConditionType.FROZEN,
        ConditionType.PAUSED,
    }
)
"""Conditions that tell of something unusual; all others tell that something is as it should be."""
ALL_PERMILLE = 1000
AT = " at "
"""Between the ENT and the site in the subject of a number: names have no spaces."""


def explain(plan: Plan) -> str:
    """Return the plan as a person reads it, one fact per line, ENT by ENT."""
    lines = _conditions([c for c in plan.conditions if not isinstance(c.of, EntKey)])
    for ent, about in _by_ent(plan).items():
        lines += [ent, *(f"  {line}" for line in about.lines())]
    if not plan.actions and not plan.withheld:
        lines.append("nothing is to be done")
    lines.append(f"look again at {plan.next_look_at:%Y-%m-%d %H:%M:%S}Z, or when a verdict changes")
    return "\n".join(lines)


@dataclass(slots=True)
class _About:
    """What a plan says about one ENT."""

    actions: list[Action] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    admission: list[Admission] = field(default_factory=list)
    numbers: list[Explained] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return one fact per line: what is done, what is not, what is wrong, who is let in, every number."""
        lines = [_action(action) for action in self.actions]
        lines += [_held(held) for held in self.withheld]
        lines += _conditions(self.conditions)
        for admission in self.admission:
            lines += [_admission(admission), *_kept_out(admission)]
        for number in self.numbers:
            lines += chain(number)
        return lines


def _by_ent(plan: Plan) -> dict[str, _About]:
    found: defaultdict[str, _About] = defaultdict(_About)
    for action in plan.actions:
        found[str(action.ent)].actions.append(action)
    for held in plan.withheld:
        found[str(held.action.ent)].withheld.append(held)
    for condition in plan.conditions:
        if isinstance(condition.of, EntKey):
            found[str(condition.of)].conditions.append(condition)
    for admission in plan.admission:
        found[str(admission.ent)].admission.append(admission)
    for number in plan.explanation:
        found[subject_of(number)[0]].numbers.append(number)
    return dict(sorted(found.items()))


def ents_of(plan: Plan) -> tuple[str, ...]:
    """Return the ENTs that the plan speaks about, sorted."""
    return tuple(_by_ent(plan))


def select(plan: Plan, *, ent: str | None = None, site: str | None = None) -> Plan:
    """Return what the plan says about one ENT, one site, or both. What concerns all sites of an ENT stays."""

    def of_action(action: Action) -> bool:
        return ent in (None, str(action.ent)) and (site is None or site in sites_of(action))

    def of_condition(condition: Condition) -> bool:
        wanted = ent if isinstance(condition.of, EntKey) else site
        return wanted in (None, str(condition.of))

    def of_number(number: Explained) -> bool:
        about, where = subject_of(number)
        return ent in (None, about) and (site is None or where in (None, site))

    return replace(
        plan,
        actions=tuple(action for action in plan.actions if of_action(action)),
        withheld=tuple(held for held in plan.withheld if of_action(held.action)),
        conditions=tuple(condition for condition in plan.conditions if of_condition(condition)),
        admission=tuple(admission for admission in plan.admission if ent in (None, str(admission.ent))),
        explanation=Explanation(number for number in plan.explanation if of_number(number)),
    )


def subject_of(number: Explained) -> tuple[str, str | None]:
    """Return the ENT that a number is about, and the site when it is about one."""
    ent, _, site = number.subject.partition(AT)
    return ent, site or None


def sites_of(action: Action) -> frozenset[SiteName]:
    """Return the sites that the action touches."""
    match action:
        case SetReplicas(site=site) | SetFloor(site=site) | SetAdmission(site=site):
            return frozenset({site})
        case SetWeights(was=was, weights=weights):
            before = {w.site: w.weight for w in was}
            return frozenset(w.site for w in weights if w.weight != before.get(w.site, 0))
        case SetDnsTargets(was=before_sites, targets=targets):
            return frozenset({*before_sites, *targets})


def is_well(condition: Condition) -> bool:
    """Tell whether nobody needs to look."""
    well = ConditionStatus.FALSE if condition.type in WELL_WHEN_FALSE else ConditionStatus.TRUE
    return condition.status is well


def _action(action: Action) -> str:
    waits = f" (waits for {', '.join(action.after)})" if action.after else ""
    return f"does     {describe(action)}: {action.because.text}{waits}"


def _held(held: Withheld) -> str:
    return f"withheld {describe(held.action)} [{held.because.reason}]: {held.because.text}"


def _conditions(conditions: Iterable[Condition]) -> list[str]:
    """Tell what is not as it should be; what has one cause is told once."""
    types: dict[tuple[EntKey | SiteName, ConditionStatus, Because], list[str]] = {}
    for condition in conditions:
        if not is_well(condition):
            types.setdefault((condition.of, condition.status, condition.because), []).append(condition.type)
    return [
        f"{'' if isinstance(of, EntKey) else f'site {of}: '}{', '.join(named)} {'is' if len(named) == 1 else 'are'} "
        f"{status} [{because.reason}]: {because.text}"
        for (of, status, because), named in types.items()
    ]


def _admission(admission: Admission) -> str:
    demand = amount(admission.demand_per_second, "per second")
    if admission.admit_permille >= ALL_PERMILLE:
        return f"admits   everybody: {demand} wanted"
    served = amount(admission.served_per_second, "per second")
    return f"admits   {admission.admit_permille / 10:.1f} %: {demand} wanted, {served} can be carried"


def _kept_out(admission: Admission) -> list[str]:
    return [
        f"shut     on purpose, which is no outage: {each.source}"
        if each.audience is Audience.ALL
        else f"keeps out {each.audience}: {each.source}"
        for each in admission.audiences
    ]


def describe(action: Action) -> str:
    """Say what the action does."""
    match action:
        case SetReplicas(ent=ent, site=site, was=was, replicas=replicas):
            return f"replicas of {ent} at {site} {was} → {replicas}"
        case SetFloor(ent=ent, site=site, was=was, replicas=replicas):
            return f"floor of {ent} at {site} {was} → {replicas}"
        case SetWeights(ent=ent, edge=edge, weights=weights):
            return f"weights of {ent} at {edge} → " + ", ".join(f"{w.site} {w.weight} %" for w in weights)
        case SetDnsTargets(ent=ent, edge=edge, targets=targets):
            return f"answers for {ent} at {edge} → " + ", ".join(targets)
        case SetAdmission(ent=ent, site=site, was=was, max_concurrent=cap):
            return f"cap of {ent} at {site} {was if was is not None else 'none'} → {cap} at once"


def chain(number: Explained) -> list[str]:
    """Tell which term won, what the others would have been, which bounds cut the number, and what is reserve."""
    won = number.won
    others = sorted((term for term in number.terms if term is not won), key=lambda term: -term.value)
    _, site = subject_of(number)
    lines = [f"{number.quantity}{AT + site if site else ''} = {amount(number.value, number.unit)}"]
    lines += [_term("won ", term, number.unit) for term in (won,) if term is not None]
    lines += [_term("also", term, number.unit) for term in others]
    lines += [_cut(cut, number.unit) for cut in number.cuts]
    lines += _reserve(number)
    return lines


def _term(role: str, term: Term, unit: str) -> str:
    return f"  {role} {amount(term.value, unit)}  {term.reason}: {term.detail}"


def _cut(cut: Cut, unit: str) -> str:
    verb = "cut " if cut.after < cut.before else "kept"
    return f"  {verb} {cut.before:g} → {amount(cut.after, unit)}  {cut.reason}: {cut.detail}"


def _reserve(number: Explained) -> list[str]:
    """Say how much was asked for only because a failure domain may be lost."""
    losses = [term for term in number.terms if term.reason is Reason.RESERVE]
    if not losses:
        return []
    normal = max((term.value for term in number.terms if term.reason is not Reason.RESERVE), default=0.0)
    worst = max(losses, key=lambda term: term.value)
    asked = amount(worst.value, number.unit)
    case = worst.detail.partition(": ")[0]  # such as `if site:a is lost`
    if worst.value <= normal:
        return [f"  none of these are reserve: {case} {asked} are enough, the normal case asks for {normal:g}"]
    return [
        f"  of these reserve: {case} it takes {asked}, {worst.value - normal:g} beyond the normal case of {normal:g}"
    ]


def amount(value: float, unit: str) -> str:
    """Return a number with its unit, replicas whole and rates with one decimal."""
    if unit == "replicas":
        return f"{value:g} {'replica' if value == 1 else 'replicas'}"
    return f"{value:.1f} {unit}"
