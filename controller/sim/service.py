"""What a site does with the requests that reach it: a fluid queue with a bound, and waits that grow before it breaks.

Within a step work is served in proportion, log-ins and pages alike. What exceeds capacity queues, and what exceeds the
queue is refused. Below capacity requests wait all the same, as Erlang says: the wait follows a closed form.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_UTILISATION = 0.999
"""Closer to full the closed form grows without bound, and the queue of the step tells what is true."""


def waiting_seconds(servers: Array | NDArray[np.int64], utilisation: Array, service_seconds: Array) -> Array:
    """Return the mean wait in M/M/c, in Sakasegawa's form: exact for one server, within a tenth for many.

    Where there is no server nobody waits: whoever asks is refused elsewhere.
    """
    c = np.maximum(servers, 1.0)
    rho = np.clip(utilisation, 0.0, MOST_UTILISATION)
    wait = service_seconds * rho ** (np.sqrt(2.0 * (c + 1.0)) - 1.0) / (c * (1.0 - rho))
    return np.where(servers > 0, wait, 0.0)


def served_share(content: Array, capacity: Array) -> Array:
    """Return which share of the work is served in a step of the given capacity."""
    return np.where(content > capacity, capacity / np.maximum(content, 1e-12), 1.0)


def kept_share(left: Array, bound: Array) -> Array:
    """Return which share of what is left stays queued; the rest is refused."""
    return np.where(left > bound, bound / np.maximum(left, 1e-12), 1.0)
