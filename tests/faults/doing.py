"""Does to the world what a step says, and puts everything right again."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field

from tests.demo.story import NAMESPACE
from tests.faults import controllers
from tests.faults.cast import ENTS, NODES, SITES
from tests.faults.fronts import HaproxyFront
from tests.faults.knobs import Knobs
from tests.faults.steps import (
    Bell,
    Crowd,
    KillControllers,
    KillEdge,
    KillSite,
    Lose,
    Release,
    ReloadEdge,
    Repair,
    ReturnSite,
    SilenceNodes,
    SkewClock,
    Step,
    StopPrometheus,
    Turn,
)
from tests.faults.world import World

GOOD_IMAGE, BAD_IMAGE = "portail:1", "portail:2"


@dataclass(slots=True)
class Hands:
    """The one place that hurts anything."""

    world: World
    released: set[str] = field(default_factory=set)
    silenced: set[str] = field(default_factory=set)
    skewed: set[str] = field(default_factory=set)
    timers: list[threading.Timer] = field(default_factory=list)

    def do(self, step: Step) -> None:  # noqa: C901 - one line for each word
        """Do it now."""
        world, stage = self.world, self.world.stage
        match step:
            case KillSite(site=site):
                world.kill_site(site)
            case ReturnSite(site=site):
                world.return_site(site)
            case Lose(place=place, rules=rules):
                world.fabric.lose(place, rules)
            case Turn(site=site, knobs=knobs):
                stage.turn(site, knobs)
            case StopPrometheus(site=site):
                stage.kill(stage.prometheus_name(site))
            case KillControllers(sites=sites, back_after_seconds=seconds):
                self._kill_controllers(sites or controllers.where(world.topology), seconds)
            case SkewClock(site=site, seconds=seconds):
                self.skewed.add(site)
                world.start_controller(site, skew_seconds=seconds)
            case SilenceNodes(site=site):
                self._silence(site)
            case KillEdge(edge=edge):
                stage.kill(edge)
            case ReloadEdge(edge=edge):
                if isinstance(world.front, HaproxyFront):
                    world.front.reload(edge)
            case Release(sites=sites, errors=errors):
                for site in sites:
                    self._release(site, BAD_IMAGE, errors)
            case Crowd(factor=factor):
                stage.crowd(factor)
            case Bell(after_seconds=seconds, factor=factor):
                world.declare_bell(seconds, factor)
            case Repair():
                self.repair()

    def repair(self) -> None:
        """Put everything right, whatever was done."""
        world, stage = self.world, self.world.stage
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        if world.fabric.can_lose:
            for place in stage.places:
                world.fabric.lose(place, [])
        world.plane.in_parallel(lambda site: site.start() if not site.alive else None)
        for site in SITES:
            stage.turn(site, Knobs())
        for name in sorted(stage.troupe.away):
            stage.troupe.bring_back(name)
        world.front.repair()
        for site in sorted(self.skewed):
            world.start_controller(site)
        for site in sorted(self.released):
            self._release(site, GOOD_IMAGE, 0.0)
        for site in sorted(self.silenced):
            world.plane.sites[site].nodes.resume_heartbeats(*self._half(site))
        stage.crowd(1.0)
        self.released.clear()
        self.skewed.clear()
        self.silenced.clear()

    def _kill_controllers(self, sites: tuple[str, ...], seconds: float | None) -> None:
        names = [controllers.name(site) for site in sites if site in controllers.where(self.world.topology)]
        self.world.stage.kill(*names)
        if seconds is not None:
            timer = threading.Timer(seconds, lambda: [self.world.stage.troupe.bring_back(name) for name in names])
            self.timers.append(timer)
            timer.start()

    def _half(self, site: str) -> list[str]:
        return self.world.plane.sites[site].nodes.names(NODES)[: NODES // 2]

    def _silence(self, site: str) -> None:
        self.silenced.add(site)
        self.world.plane.sites[site].nodes.stop_heartbeats(*self._half(site))

    def _release(self, site: str, image: str, errors: float) -> None:
        """Roll out an image; what its pages do is turned at the portals at once, as a surge of new pods does."""
        if image == BAD_IMAGE:
            self.released.add(site)
        patch = json.dumps({"spec": {"template": {"spec": {"containers": [{"name": "portail", "image": image}]}}}})
        for ent in ENTS:
            self.world.plane.sites[site].kubectl(
                "patch", "deployment", ent, f"--namespace={NAMESPACE}", f"--patch={patch}"
            )
        self.world.stage.turn(site, Knobs(errors={"*": errors}))
