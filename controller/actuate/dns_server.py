"""One authoritative server: asked what stands at names, and told to change it, over TCP, every message signed by TSIG.

An update is one message, so that resolvers see the old answer or the new one and never none. It carries what must
still stand there as prerequisites (RFC 2136 §2.4): the server itself compares, and changes nothing where somebody else
was faster. Beside the answers of a name stands a mark, a TXT record below it, that says whose they are.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update

from controller.actuate.dns_answers import by_type
from controller.policy.edge import Rfc2136Edge

ANSWER_DEADLINE_SECONDS = 1.0
"""For one answer of a server in the same building; connecting has as long."""

LENGTH_BYTES = 2
"""Over TCP every message is led by its length (RFC 1035 §4.2.2)."""

MARK = "_sonnerie"
"""Label below a name where its owner is written."""

ADDRESSES = ("A", "AAAA")

REFUSALS = {
    dns.rcode.REFUSED: "it refuses updates of this name with this key; allow them there",
    dns.rcode.NOTAUTH: "it is not authoritative for the zone",
    dns.rcode.NOTZONE: "the name does not lie in the zone",
    dns.rcode.NOTIMP: "it takes no dynamic updates",
    dns.rcode.FORMERR: "it does not understand the update",
}
"""What stays refused until somebody changes the server or the spec."""

MOVED_ON = frozenset({dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN})
"""A prerequisite does not hold."""


class DnsTroubleError(Exception):
    """The server did not do it, with its address and why."""


class DnsRefusedError(DnsTroubleError):
    """It will not do it until somebody changes the server or the spec."""


class DnsKeyError(DnsRefusedError):
    """It does not know our key, or not with this secret."""


class DnsMovedOnError(DnsTroubleError):
    """What was to be changed is not as it was; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands at a name."""

    addresses: frozenset[str] = frozenset()
    ttl_seconds: int | None = None
    """The shortest of its records; None: there are none."""
    owner: str | None = None
    """What the mark says; None: there is none."""
    alias: bool = False
    """Whether the name is a CNAME, which leaves no room for addresses."""
    serial: int = 0
    """Of the zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsServer:
    """Where the server is, and which zone it holds; edges with equal ones share a connection."""

    host: str
    port: int
    zone: str

    @classmethod
    def of(cls, spec: Rfc2136Edge) -> "DnsServer":
        """Return the server of an edge."""
        return cls(host=spec.server, port=spec.port, zone=spec.zone)

    def __str__(self) -> str:
        """Return how people find it."""
        return f"DNS server {self.host}:{self.port} (zone {self.zone})"

    async def look(self, key: dns.tsig.Key, names: Iterable[str]) -> Mapping[str, Standing]:
        """Return what stands at the names.

        Raises:
            DnsTroubleError: it did not answer, or not as the authority for the zone.
        """
        async with _connected(self) as line:
            return {name: await _standing(self, line, key, name) for name in names}

    async def change(self, key: dns.tsig.Key, change: "Change") -> Standing:
        """Make the change if what it knows still stands, and return what stands there afterwards.

        Raises:
            DnsMovedOnError: it does not stand any more.
            DnsRefusedError: the server will not do it.
            DnsTroubleError: it did not answer, or does not show what it said it did.
        """
        async with _connected(self) as line:
            answer = await line.ask(key, _update(self.zone, change))
            code = answer.rcode()
            if code in MOVED_ON:
                raise DnsMovedOnError(f"{self}: {change.name} is not as it was seen any more ({_word(code)})")
            if code in REFUSALS:
                raise DnsRefusedError(f"{self}: {REFUSALS[dns.rcode.Rcode(code)]} ({_word(code)})")
            if code != dns.rcode.NOERROR:
                raise DnsTroubleError(f"{self} answered {_word(code)} to the update of {change.name}")
            stands = await _standing(self, line, key, change.name)
        if stands.addresses != frozenset(change.addresses) or stands.serial == change.known.serial:
            raise DnsTroubleError(f"{self} took the update of {change.name} and does not show it")
        return stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a name is to answer, and what must stand there for that."""

    name: str
    addresses: tuple[str, ...]
    ttl_seconds: int
    owner: str
    known: Standing


def _update(zone: str, change: Change) -> dns.update.UpdateMessage:
    message = dns.update.UpdateMessage(f"{zone}.")
    name, mark = dns.name.from_text(change.name), _mark_of(change.name)
    known, wanted = by_type(change.known.addresses), by_type(change.addresses)
    for kind in ADDRESSES:
        if kind in known:
            message.present(name, *(dns.rdata.from_text("IN", kind, each) for each in known[kind]))
        else:
            message.absent(name, kind)
    message.absent(name, "CNAME")
    if change.known.owner is None:
        message.absent(mark, "TXT")
        message.add(mark, change.ttl_seconds, _text(change.owner))
    else:
        message.present(mark, _text(change.known.owner))
    for kind in ADDRESSES:
        message.delete(name, kind)
        for each in wanted.get(kind, ()):
            message.add(name, change.ttl_seconds, dns.rdata.from_text("IN", kind, each))
    return message


def _mark_of(name: str) -> dns.name.Name:
    return dns.name.from_text(f"{MARK}.{name}")


def _text(owner: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text("IN", "TXT", f'"{owner}"')


class _Line:
    """A connection to the server."""

    def __init__(self, server: DnsServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer

    async def ask(self, key: dns.tsig.Key, message: dns.message.Message) -> dns.message.Message:
        """Return the answer, whose signature holds."""
        message.use_tsig(key)
        server = self._server
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_SECONDS):
                answer = await self._exchanged(message)
        except TimeoutError:
            raise DnsTroubleError(f"{server}: no answer within {ANSWER_DEADLINE_SECONDS:g} s") from None
        except (OSError, EOFError) as error:
            raise DnsTroubleError(f"{server} broke the connection off: {error}") from None
        except (dns.tsig.PeerBadKey, dns.tsig.PeerBadSignature):
            # Knot says this also of a key that it knows and that may not do what is asked.
            text = f"{server} does not know key {key.name} with this secret, or does not let it do this"
            raise DnsKeyError(f"{text}; compare its keys and rights with the Secret of tsig") from None
        except dns.tsig.PeerBadTime:
            raise DnsTroubleError(f"{server}: its clock and ours differ by minutes; no signature holds") from None
        except dns.exception.DNSException as error:
            raise DnsTroubleError(f"{server} answered what cannot be read: {error}") from None
        if not answer.had_tsig:
            word = _word(answer.rcode())
            raise DnsRefusedError(f"{server} answered {word} without a signature; let key {key.name} ask there")
        if not message.is_response(answer):
            raise DnsTroubleError(f"{server} answered another question")
        return answer

    async def _exchanged(self, message: dns.message.Message) -> dns.message.Message:
        wire = message.to_wire()
        self._writer.write(len(wire).to_bytes(LENGTH_BYTES) + wire)
        await self._writer.drain()
        length = int.from_bytes(await self._reader.readexactly(LENGTH_BYTES))
        answer = await self._reader.readexactly(length)
        return dns.message.from_wire(answer, keyring=message.keyring, request_mac=message.mac)


@asynccontextmanager
async def _connected(server: DnsServer) -> AsyncIterator[_Line]:
    try:
        async with asyncio.timeout(ANSWER_DEADLINE_SECONDS):
            reader, writer = await asyncio.open_connection(server.host, server.port)
    except TimeoutError:
        raise DnsTroubleError(f"{server}: no connection within {ANSWER_DEADLINE_SECONDS:g} s") from None
    except OSError as error:
        raise DnsTroubleError(f"{server} cannot be reached: {error.strerror or error}") from None
    try:
        yield _Line(server, reader, writer)
    finally:
        writer.close()


async def _standing(server: DnsServer, line: _Line, key: dns.tsig.Key, name: str) -> Standing:
    async def records(owner: dns.name.Name, kind: str) -> list[dns.rrset.RRset]:
        answer = await line.ask(key, dns.message.make_query(owner, kind))
        code = answer.rcode()
        if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise DnsTroubleError(f"{server} answered {_word(code)} when asked for {owner} {kind}")
        if not answer.flags & dns.flags.AA:
            raise DnsRefusedError(f"{server} is not authoritative for {owner}")
        return [found for found in answer.answer if found.name == owner]

    at, zone = dns.name.from_text(name), dns.name.from_text(server.zone)
    found = [rrset for kind in ADDRESSES for rrset in await records(at, kind)]
    marks = [rdata for rrset in await records(_mark_of(name), "TXT") for rdata in rrset]
    serials = [rdata.serial for rrset in await records(zone, "SOA") for rdata in rrset]
    if not serials:
        raise DnsRefusedError(f"{server} does not hold the zone {server.zone}")
    addresses = [rrset for rrset in found if rrset.rdtype != dns.rdatatype.CNAME]
    return Standing(
        addresses=frozenset(rdata.to_text() for rrset in addresses for rdata in rrset),
        ttl_seconds=min((rrset.ttl for rrset in addresses), default=None),
        owner=b"".join(marks[0].strings).decode("utf-8", "replace") if marks else None,
        alias=len(addresses) < len(found),
        serial=serials[0],
    )


def _word(code: int) -> str:
    return dns.rcode.to_text(dns.rcode.Rcode(code))
