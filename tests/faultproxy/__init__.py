"""Proxies between the controller and a real API server that do to it what networks and servers do.

`TcpProxy` knows nothing of what it carries, TLS included: connections that are refused, cut, half-open, slow.
`ApiProxy` reads HTTP and lets a script answer, delay, cut or act around any request: 410, 429, HTML, death in mid-list.
`in_thread` runs one beside a test that is not asynchronous.
"""

from tests.faultproxy.api import (
    ApiProxy,
    Cut,
    Pass,
    Reply,
    Seen,
    Swallow,
    Wait,
)
from tests.faultproxy.tcp import TcpProxy
from tests.faultproxy.threads import Threaded, in_thread

__all__ = ["ApiProxy", "Cut", "Pass", "Reply", "Seen", "Swallow", "TcpProxy", "Threaded", "Wait", "in_thread"]
