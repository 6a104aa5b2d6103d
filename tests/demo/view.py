"""The live terminal, understandable to a newcomer; plain lines where the output is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live as Screen
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from tests.demo.live import Live
from tests.demo.sentences import because, sentence
from tests.demo.story import EntStory

LOOK_EVERY_SECONDS = 0.5
WIDE = 110
"""Columns from which the bars may be longer; all fits into 80."""
WIDE_BAR, NARROW_BAR = 12, 5
LINES_ABOVE = 14
FEWEST_DECISIONS = 3
FULL = 0.85
BUSY = 0.75
_VERDICT_STYLES = {"Healthy": "green", "Degraded": "yellow", "Down": "bold red", "Unknown": "yellow"}

Weights = Callable[[], dict[tuple[str, str], int]]


class View(Protocol):
    """Where the story is told."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self) -> None:
        """Tell what is new."""
        ...


def clock(second: float) -> str:
    """Return minutes and seconds, such as 1:05; with a minus before the curtain."""
    sign, whole = ("-", -second) if second < 0 else ("", second)
    return f"{sign}{int(whole) // 60}:{int(whole) % 60:02d}"


@dataclass(slots=True)
class PlainView:
    """One line per act and decision, for logs."""

    live: Live
    console: Console
    weights: Weights
    told_act: str = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.show()

    def show(self) -> None:
        """Print what is new."""
        now = time.time()
        self.live.look(now)
        second = self.live.second(now)
        if second is None:
            return
        act = self.live.act(second)
        if act is not None and act.name != self.told_act:
            self.told_act = act.name
            self._print(f"{clock(second):>5}  {act.name.upper()}: {act.text}")
        for decision in self.live.untold:
            curtain = now - second
            self._print(f"{clock(decision.at - curtain):>5}    {sentence(decision)} — {because(decision)}")

    def _print(self, line: str) -> None:
        self.console.print(line, soft_wrap=True, markup=False, highlight=False)


@dataclass(slots=True)
class ScreenView:
    """A screen that is drawn anew twice a second."""

    live: Live
    console: Console
    weights: Weights
    screen: Screen = field(init=False)
    looked_at: float = 0.0

    def __post_init__(self) -> None:
        self.screen = Screen(console=self.console, auto_refresh=False)

    def __enter__(self) -> Self:
        self.screen.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.screen.stop()

    def show(self) -> None:
        """Draw, if it is time to."""
        now = time.time()
        if now - self.looked_at < LOOK_EVERY_SECONDS:
            return
        self.looked_at = now
        self.live.look(now)
        second = self.live.second(now)
        if second is not None:
            self.screen.update(self._picture(now, second), refresh=True)

    def _picture(self, now: float, second: float) -> RenderableType:
        return Group(
            *self._headline(second), self._ents(now), self._sites(now), Rule(style="dim"), self._decisions(now - second)
        )

    def _headline(self, second: float) -> tuple[RenderableType, ...]:
        act, ahead = self.live.act(second), self.live.story.times.bell - second
        bell = f"the bell rings in {ahead:.0f} s" if ahead > 0 else f"the bell rang {-ahead:.0f} s ago"
        name = act.name.upper() if act else ""
        head = Text.assemble((f"{clock(second):>5}  ", "bold"), (name, "bold reverse"), ("  " + bell, "dim"))
        text = Text(act.text if act else "", overflow="ellipsis")
        return Rule("Sonnerie: one school morning", style="dim"), head, text, Text()

    def _ents(self, now: float) -> RenderableType:
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("requests/s", header_style="dim", no_wrap=True)
        for column in ("want", "got", "failed"):
            table.add_column(column, header_style="dim", justify="right")
        for site in self.live.story.sites:
            table.add_column(f"at {site.name}: use, Ready", header_style="dim", no_wrap=True)
        for ent in self.live.story.ents:
            wanted, served, failed = self.live.rates(ent.name, now)
            style = "bold red" if failed else ""
            cells = [self._placement(ent, site.name, now) for site in self.live.story.sites]
            table.add_row(ent.name, f"{wanted:.0f}", f"{served:.0f}", Text(f"{failed:.1f}", style=style), *cells)
        return table

    def _placement(self, ent: EntStory, site: str, now: float) -> Text:
        if site not in ent.sites:
            return Text("   ·", style="dim")
        portal = self.live.portal(ent.name, site, now)
        weight = self.weights().get((ent.name, site))
        text = Text(f"{'?' if weight is None else weight:>3}% ", style="" if weight else "dim")
        if portal is None:
            return text.append("silent", style="bold red")
        capacity = portal.ready * self.live.story.workload.capacity_per_replica
        used = portal.arrived / capacity if capacity else 0.0
        width = WIDE_BAR if self.console.width >= WIDE else NARROW_BAR
        filled = min(width, round(used * width))
        style = "red" if used > FULL else "yellow" if used > BUSY else "green"
        text.append("█" * filled, style=style).append("░" * (width - filled), style="dim")
        text.append(f" {portal.ready}", style="" if portal.ready >= portal.wanted else "yellow")
        return text if portal.ready >= portal.wanted else text.append(f" of {portal.wanted}", style="dim")

    def _sites(self, now: float) -> RenderableType:
        line = Text("\n", no_wrap=True, overflow="ellipsis")
        for site in self.live.story.sites:
            verdict = self.live.verdicts.get(site.name, "?")
            line.append(f"site {site.name} ").append(verdict, style=_VERDICT_STYLES.get(verdict, "dim"))
            line.append(" unseen" if site.name in self.live.blind else "", style="yellow").append("   ")
        return line.append(f"{self.live.total} tries, {self.live.failed} failed", style="dim")

    def _decisions(self, curtain: float) -> RenderableType:
        lines = []
        for decision in self.live.decisions:
            line = Text(no_wrap=True, overflow="ellipsis")
            line.append(f"{clock(decision.at - curtain):>5}  ", style="dim").append(sentence(decision) or "")
            lines.append(line.append(f"  {because(decision)}", style="dim"))
        return Group(*lines[-max(FEWEST_DECISIONS, self.console.height - LINES_ABOVE) :])


def view_of(live: Live, weights: Weights, console: Console) -> View:
    """Return the view that suits the output."""
    if console.is_terminal:
        return ScreenView(live, console, weights)
    return PlainView(live, console, weights)
