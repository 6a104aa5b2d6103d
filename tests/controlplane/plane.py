"""Several sites that share nothing, started in parallel and ended together whatever happens."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.controlplane.clusters import OnDemand
from tests.controlplane.memory import MemoryFolder
from tests.controlplane.processes import sweep
from tests.controlplane.programs import Binaries, binaries
from tests.controlplane.sites import Site, SiteSpec


class ControlPlane:
    """Runs the sites of some specs inside a `with` block; `lazily` starts each when it is first asked for.

    Nothing of it is left afterwards, unless the block failed or a run folder was given: then logs stay there.
    """

    def __init__(
        self,
        specs: Sequence[SiteSpec],
        *,
        run_folder: Path | None = None,
        programs: Binaries | None = None,
        lazily: bool = False,
    ) -> None:
        if len({spec.name for spec in specs}) != len(specs):
            message = f"two sites have the same name: {[spec.name for spec in specs]}"
            raise ValueError(message)
        self._specs = tuple(specs)
        self._programs = programs
        self._given_folder = run_folder
        self._lazily = lazily
        self._stack = ExitStack()
        self._all: dict[str, Site] = {}
        self.sites: Mapping[str, Site] = {}

    def __enter__(self) -> Self:
        programs = self._programs or binaries()
        try:
            self.run_folder = self._make_run_folder()
            memory = self._stack.enter_context(MemoryFolder(len(self._specs), self.run_folder))
            self.data_folder = memory.path
            for spec in self._specs:
                folder = self.run_folder / spec.name
                self._all[spec.name] = Site(spec, programs=programs, folder=folder, memory=memory.path)
            if self._lazily:
                self.sites = OnDemand(self._all)
            else:
                self.sites = dict(self._all)
                self.in_parallel(lambda site: site.start())
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for site in self._all.values():
            site.end()
        self._stack.close()
        if error is None and self._given_folder is None:
            shutil.rmtree(self.run_folder, ignore_errors=True)

    def install_crds(self, *projects: str) -> None:
        """Installs upstream's definitions in every site: any of gateway-api, external-dns, keda."""
        self.in_parallel(lambda site: site.install_crds(*projects))

    def in_parallel(self, action: Callable[[Site], object]) -> None:
        """Does something in every site at once; at the first failure, or Ctrl-C, ends the sites and raises it."""
        pool = ThreadPoolExecutor(max_workers=max(len(self._specs), 1), thread_name_prefix="site")
        try:
            futures = [pool.submit(action, site) for site in self.sites.values()]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            for site in self._all.values():
                site.end()  # the other threads see their servers gone and give up
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _make_run_folder(self) -> Path:
        if self._given_folder is None:
            return Path(tempfile.mkdtemp(prefix="sonnerie-"))
        self._given_folder.mkdir(parents=True, exist_ok=True)
        sweep(self._given_folder)
        for spec in self._specs:
            shutil.rmtree(self._given_folder / spec.name, ignore_errors=True)
        return self._given_folder
