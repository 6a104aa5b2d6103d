"""A plan as short text: what is done, what is not and why, and the chain behind every number."""

from controller.domain.explanation import Cut, Explained, Term
from controller.domain.plan import Action, Plan, SetAdmission, SetDnsTargets, SetFloor, SetReplicas, SetWeights


def explain(plan: Plan) -> str:
    """Return the plan as a person reads it, one line per fact."""
    lines = [f"+ {describe(action)}: {action.because.text}" for action in plan.actions]
    lines += [
        f"- withheld {describe(held.action)} ({held.because.reason}): {held.because.text}" for held in plan.withheld
    ]
    for number in plan.explanation:
        lines += chain(number)
    lines.append(f"next look at {plan.next_look_at:%H:%M:%S}Z")
    return "\n".join(lines)


def describe(action: Action) -> str:
    """Say what the action does."""
    match action:
        case SetReplicas(ent=ent, site=site, was=was, replicas=replicas):
            return f"replicas of {ent} at {site} {was} → {replicas}"
        case SetFloor(ent=ent, site=site, was=was, replicas=replicas):
            return f"floor of {ent} at {site} {was} → {replicas}"
        case SetWeights(ent=ent, edge=edge, weights=weights):
            return f"weights of {ent} at {edge} → " + ", ".join(f"{w.site} {w.weight}" for w in weights)
        case SetDnsTargets(ent=ent, edge=edge, targets=targets):
            return f"answers for {ent} at {edge} → " + ", ".join(targets)
        case SetAdmission(ent=ent, site=site, was=was, max_concurrent=cap):
            return f"cap of {ent} at {site} {was if was is not None else 'none'} → {cap} at once"


def chain(number: Explained) -> list[str]:
    """Tell which term won, what the others would have been, and which bounds cut the number."""
    lines = [f"= {number.subject}: {number.quantity} {number.value:g} {number.unit}"]
    won = number.won
    lines += [_term(term, won=term is won) for term in sorted(number.terms, key=lambda term: -term.value)]
    lines += [_cut(cut) for cut in number.cuts]
    return lines


def _term(term: Term, *, won: bool) -> str:
    return f"    {'won ' if won else '    '}{term.value:8.1f}  {term.reason}: {term.detail}"


def _cut(cut: Cut) -> str:
    return f"    cut {cut.before:8g} → {cut.after:g}  {cut.reason}: {cut.detail}"
