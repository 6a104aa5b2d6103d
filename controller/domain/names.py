"""Names of things, so that a site is never mistaken for an edge."""

from typing import NamedTuple, NewType, Self

SiteName = NewType("SiteName", str)
"""One provider location: the name of a `Site`."""

EdgeName = NewType("EdgeName", str)
"""A place that splits traffic over sites."""

DomainName = NewType("DomainName", str)
"""Sites that fail together."""

ObserverName = NewType("ObserverName", str)
"""An instance or a witness that votes on the health of sites."""

SignalName = NewType("SignalName", str)
"""What a query of a site's Prometheus measures, such as `requests`."""

ActionId = NewType("ActionId", str)
"""Identity of an action within one plan."""


class EntKey(NamedTuple):
    """Identity of a `RegionalENT`, printed as `namespace/name`.

    A tuple and not a dataclass: it is a key in every look-up of a plan, and hashes in a fifth of the time.
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `namespace/name`.

        Raises:
            ValueError: the text is not of that form.
        """
        namespace, slash, name = text.partition("/")
        if not (namespace and slash and name) or "/" in name:
            raise ValueError(f"{text!r} is not an ENT key; write namespace/name")
        return cls(namespace, name)
