"""The presets on a real Prometheus: of a real HAProxy, and of what the other proxies are documented to expose."""

import asyncio
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.domain.names import EntKey, SignalName, SiteName
from controller.domain.readings import Fresh, Missing, Reading
from controller.observe.metering import MeterPlan, SignalQuery, SiteMeter
from controller.observe.prometheus import PrometheusSource
from controller.observe.prometheus_address import PrometheusAddress
from controller.observe.readings import Freshness, LabelNames
from controller.policy.presets import PresetName, Routes, preset_queries
from controller.runtime.clock import SystemClock
from tests.controlplane import PartsMissingError, haproxy_command
from tests.controlplane.certificates import Authority
from tests.controlplane.ports import free_ports
from tests.live.scraping import exposing, moving, prometheus

pytestmark = pytest.mark.live

EXPOSITIONS = Path(__file__).parent / "expositions"
DEADLINE_SECONDS = 40.0
HDF, IDF = EntKey("portals", "hdf"), EntKey("portals", "idf")
CLOCK = SystemClock()
PASSWORD = "planted-secret"
HASHED = "$2b$04$abcdefghijklmnopqrstuu8EnUz84k1wKPrR/4snv5AybbZajXfTm"
"""The password as Prometheus wants it: bcrypt, at its least cost."""


def a_meter(name: PresetName, address: PrometheusAddress, routes: Routes | None = None) -> SiteMeter:
    """A meter that asks the preset's queries, and believes the answers at once."""
    queries = preset_queries(name, routes or Routes())
    plan = MeterPlan(
        site=SiteName("a"),
        queries=tuple(SignalQuery(signal=SignalName(signal), promql=promql) for signal, promql in queries.items()),
        labels=LabelNames(namespace="namespace", ent="ent"),
        freshness=Freshness(quarantine=timedelta(milliseconds=1)),
        every_seconds=0.5,
    )
    return SiteMeter(plan, PrometheusSource(address, deadline_seconds=2.0), now=CLOCK.now)


async def measured(meter: SiteMeter, *needed: tuple[EntKey, str]) -> dict[tuple[EntKey, str], Reading]:
    """Ask until what is needed is Fresh and above 0; return all there is."""
    found: dict[tuple[EntKey, str], Reading] = {}
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                await meter.ask()
                found = {(r.ent, str(r.signal)): r.reading for r in meter.readings([HDF, IDF], CLOCK.now())}
                if all(isinstance(r := found[key], Fresh) and r.value > 0 for key in needed):
                    return found
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"not measured: {found}; {dict(meter.troubles)}") from None
    finally:
        await meter.close()


def value(reading: Reading) -> float:
    """The value of a reading that must be Fresh."""
    assert isinstance(reading, Fresh), reading
    return reading.value


@pytest.mark.parametrize("labels", ["honoured", "renamed"])
@pytest.mark.parametrize("name", [PresetName.INGRESS_NGINX, PresetName.ENVOY_GATEWAY, PresetName.TRAEFIK])
async def test_what_a_proxy_is_documented_to_expose_is_read(name: PresetName, labels: str, tmp_path: Path) -> None:
    """A tenth of the requests failed, 95 % were faster than a quarter of a second; another ENT has a fifth of the
    requests and no errors, which is a ratio of 0, and was never timed, which is no latency at all.

    The window is still filling while this is asked, so rates are compared with each other.
    """
    exposition = (EXPOSITIONS / f"{name}.prom").read_text()
    # The pod of the proxy has a namespace of its own, which a Prometheus adds to everything it scrapes.
    scrape = {
        "honor_labels": labels == "honoured",
        "relabel_configs": [{"target_label": "namespace", "replacement": "proxies"}],
    }
    with exposing(moving(exposition)) as exporter, prometheus(tmp_path, {"proxy": exporter}, scrape=scrape) as port:
        meter = a_meter(name, PrometheusAddress(url=f"http://127.0.0.1:{port}"))
        signals = ("requests", "successes", "errors", "latencySeconds")
        found = await measured(meter, *((HDF, signal) for signal in signals), (IDF, "requests"))
    requests = value(found[HDF, "requests"])
    assert value(found[HDF, "successes"]) == pytest.approx(0.9 * requests, rel=0.02)
    assert value(found[HDF, "errors"]) == pytest.approx(0.1, rel=0.02)
    assert value(found[HDF, "latencySeconds"]) == pytest.approx(0.235, rel=0.05)
    assert value(found[IDF, "requests"]) == pytest.approx(0.2 * requests, rel=0.02)
    assert value(found[IDF, "errors"]) == 0.0
    assert isinstance(found[IDF, "latencySeconds"], Missing)


CONFIGURATION = """\
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend users
    bind 127.0.0.1:{users}
    use_backend portals_hdf_http
frontend metrics
    bind 127.0.0.1:{metrics}
    http-request use-service prometheus-exporter if {{ path /metrics }}
backend portals_hdf_http
    http-request return status 503 if {{ path /broken }}
    http-request return status 200 content-type text/plain string ok
"""


@contextmanager
def haproxy(folder: Path) -> Iterator[tuple[int, int]]:
    """Run a real HAProxy; give the ports of users and of metrics."""
    users, metrics = free_ports(2)
    (folder / "haproxy.cfg").write_text(CONFIGURATION.format(users=users, metrics=metrics))
    try:
        program = haproxy_command(fetch=False)
    except PartsMissingError as error:
        pytest.fail(str(error), pytrace=False)
    command = [*program.argv, "-db", "-f", str(folder / "haproxy.cfg")]
    process = subprocess.Popen(command, env={**os.environ, **program.environment}, stderr=subprocess.DEVNULL)
    try:
        yield users, metrics
    finally:
        process.kill()
        process.wait(10)


def ask(port: int, path: str) -> None:
    """Ask once; an error status is an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        pass  # it is still starting


async def test_a_real_haproxy_is_read(tmp_path: Path) -> None:
    """Its own exporter, with requests that really went through; a fifth of them failed."""
    with haproxy(tmp_path) as (users, metrics), prometheus(tmp_path, {"haproxy": metrics}) as port:
        asking = asyncio.create_task(_keep_asking(users))
        try:
            meter = a_meter(PresetName.HAPROXY, PrometheusAddress(url=f"http://127.0.0.1:{port}"))
            found = await measured(meter, (HDF, "requests"), (HDF, "successes"), (HDF, "errors"))
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
    assert value(found[HDF, "errors"]) == pytest.approx(0.2, abs=0.12)
    assert value(found[HDF, "successes"]) < value(found[HDF, "requests"])
    assert isinstance(found[HDF, "latencySeconds"], Fresh)
    assert isinstance(found[IDF, "requests"], Missing)


async def _keep_asking(users: int) -> None:
    while True:
        for path in ("/", "/", "/", "/", "/broken"):
            await asyncio.to_thread(ask, users, path)
        await asyncio.sleep(0.05)


async def test_certificates_password_and_own_authority(tmp_path: Path) -> None:
    """A Prometheus that asks for all of them answers who has all of them, and nobody else."""
    authority = Authority("prometheus", CLOCK.now())
    server, client = authority.server("127.0.0.1"), authority.client("sonnerie")
    for file, content in (("ca", authority.pem), ("crt", server.certificate), ("key", server.key)):
        (tmp_path / file).write_bytes(content)
    (tmp_path / "web.yml").write_text(
        f"basic_auth_users: {{sonnerie: '{HASHED}'}}\n"
        "tls_server_config:\n"
        f"  {{cert_file: {tmp_path}/crt, key_file: {tmp_path}/key, client_ca_file: {tmp_path}/ca,\n"
        "   client_auth_type: RequireAndVerifyClientCert}\n"
    )
    with (
        exposing(moving((EXPOSITIONS / "traefik.prom").read_text())) as exporter,
        prometheus(tmp_path, {"proxy": exporter}, f"--web.config.file={tmp_path / 'web.yml'}") as port,
    ):
        shown: dict[str, Any] = {
            "username": "sonnerie",
            "password": PASSWORD,
            "ca_pem": authority.pem.decode(),
            "certificate_pem": client.certificate.decode(),
            "key_pem": client.key.decode(),
        }

        def meter(**other: str | None) -> SiteMeter:
            return a_meter(PresetName.TRAEFIK, PrometheusAddress(url=f"https://127.0.0.1:{port}", **(shown | other)))

        found = await measured(meter(), (HDF, "requests"))
        assert value(found[HDF, "requests"]) > 0
        stranger = Authority("another", CLOCK.now()).client("sonnerie")
        for other in (
            {"password": "wrong"},
            {"ca_pem": None},
            {"ca_pem": Authority("another", CLOCK.now()).pem.decode()},
            {"certificate_pem": None, "key_pem": None},
            {"certificate_pem": stranger.certificate.decode(), "key_pem": stranger.key.decode()},
        ):
            refused = meter(**other)
            await refused.ask()
            assert len(refused.troubles) == 4, other
            assert PASSWORD not in str([str(trouble) for trouble in refused.troubles.values()])
            await refused.close()
