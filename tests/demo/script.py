"""What the director does, and when: the only place that hurts anything."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.controlplane import ControlPlane
from tests.demo import objects, records
from tests.demo.operator import ask_controller, facts_as_json
from tests.demo.records import Mark
from tests.demo.stage import Stage
from tests.demo.story import BLIND_SITE, LOST_SITE, MANAGEMENT_SITE, Story

TICK_SECONDS = 0.25
BREATH_SECONDS = 3.0
"""From the announcement to the curtain."""
AT_HOME_PERCENT = 98


@dataclass(slots=True)
class Director:
    """Plays the story once. `show` is called several times a second."""

    story: Story
    stage: Stage
    plane: ControlPlane
    folder: Path
    show: Callable[[], None]
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(thread_name_prefix="director"))
    under_way: list[Future[None]] = field(default_factory=list)
    curtain: float = 0.0

    def play(self) -> None:
        """Raise the curtain, let things happen, and end when the traffic is home again, or at the last second."""
        try:
            self._raise_curtain()
            times = self.story.times
            cues: list[tuple[float, Callable[[], None]]] = [
                (times.metrics_stop, self._stop_metrics),
                (times.metrics_return, self._return_metrics),
                (times.kill, self._kill),
                (times.site_return, self._return_site),
            ]
            for second, cue in cues:
                self._wait_until(self.curtain + second)
                self._begin(cue)
            self._wait_for_home()
            self._end()
        finally:
            self.pool.shutdown(wait=False, cancel_futures=True)

    def _raise_curtain(self) -> None:
        self.curtain = time.time() + BREATH_SECONDS
        self._apply(objects.schedule(self.story, self.curtain + self.story.times.bell))
        self.stage.start_users(self.curtain)
        self._mark(records.CURTAIN, at=self.curtain)

    def _apply(self, described: objects.Object) -> None:
        self.plane.sites[MANAGEMENT_SITE].kubectl("apply", "--filename=-", input=json.dumps(described))

    def _mark(self, what: str, site: str = "", *, at: float | None = None) -> None:
        records.write_mark(self.folder, Mark(at or time.time(), what, site))

    def _begin(self, cue: Callable[[], None]) -> None:
        self.under_way.append(self.pool.submit(cue))

    def _wait_until(self, instant: float) -> None:
        while time.time() < instant:
            self._tick()

    def _tick(self) -> None:
        self.stage.troupe.expect_alive()
        for future in self.under_way:
            if future.done():
                future.result()
        self.show()
        time.sleep(TICK_SECONDS)

    def _stop_metrics(self) -> None:
        self._mark(records.METRICS_STOPPED, BLIND_SITE)
        self.stage.stop_prometheus(BLIND_SITE)

    def _return_metrics(self) -> None:
        self.stage.start_prometheus(BLIND_SITE)
        self._mark(records.METRICS_RETURNED, BLIND_SITE)

    def _kill(self) -> None:
        self._mark(records.SITE_KILLED, LOST_SITE)
        self.stage.kill_site(LOST_SITE)
        self.plane.sites[LOST_SITE].kill()

    def _return_site(self) -> None:
        self._mark(records.SITE_RETURNING, LOST_SITE)
        self.plane.sites[LOST_SITE].start()
        self.stage.return_site(LOST_SITE)
        self._mark(records.SITE_RETURNED, LOST_SITE)

    def _wait_for_home(self) -> None:
        """Wait until all that left the lost site is there again, and a little longer; not beyond the last second."""
        last = self.curtain + self.story.times.last
        while time.time() < last and not self._all_home():
            self._tick()
        if time.time() < last:
            self._mark(records.HOME_AGAIN, LOST_SITE)
            self._wait_until(min(last, time.time() + self.story.times.calm))

    def _all_home(self) -> bool:
        if not any(mark.what == records.SITE_RETURNED for mark in records.read_marks(self.folder)):
            return False
        now = self.stage.weights_now
        return all(
            now.get((ent.name, LOST_SITE), 0) >= AT_HOME_PERCENT for ent in self.story.ents if ent.home == LOST_SITE
        )

    def _end(self) -> None:
        self._mark(records.END)
        facts = facts_as_json(ask_controller(self.stage))
        (self.folder / records.CONTROLLER_FACTS).write_text(json.dumps(facts))
