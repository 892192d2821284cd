"""What a recording leaves out, so that it can be shared: payloads, source code, addresses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

import msgspec
from echo_servers.records import Echo, Recv, Send

from echo_tui.model.observations import ClientEcho, ClientSent, Observation, Output, SourceText

ADDRESS = re.compile(rb"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|\[[0-9A-Fa-f:.%\w]*:[0-9A-Fa-f:.%\w]*\](?=:\d)")
"""An IPv4 address, or an IPv6 address in brackets before a port."""
INSTEAD = int(IPv4Address("198.18.0.0"))
"""The first of the replacement addresses: a range reserved for benchmarks (RFC 2544)."""
COUNT = 1 << 17
WITH_HEAD = (Recv, Send, Echo, ClientSent, ClientEcho)


@dataclass
class Privacy:
    """Whether payloads and source code are recorded, and whether addresses are replaced (consistently)."""

    payload: bool = True
    source: bool = True
    anonymise: bool = False
    _instead: dict[bytes, bytes] = field(default_factory=dict)

    def kept(self, found: Sequence[Observation]) -> Sequence[Observation]:
        """Return the observations that are recorded, without payloads if these are omitted."""
        if self.payload and self.source:
            return found
        return [self._without_payload(one) for one in found if self.source or not isinstance(one, SourceText)]

    def scrub(self, lines: bytes) -> bytes:
        """Return the lines with all addresses replaced, if requested."""
        return ADDRESS.sub(lambda match: self._replace(match[0]), lines) if self.anonymise else lines

    def _without_payload(self, one: Observation) -> Observation:
        if self.payload:
            return one
        if isinstance(one, WITH_HEAD):
            return msgspec.structs.replace(one, head="")
        return msgspec.structs.replace(one, text="") if isinstance(one, Output) else one

    def _replace(self, address: bytes) -> bytes:
        if address not in self._instead:
            number = len(self._instead) % COUNT + 1
            self._instead[address] = str(IPv4Address(INSTEAD + number)).encode()
        return self._instead[address]
