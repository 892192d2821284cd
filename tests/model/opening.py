"""A server that has just started, and one client of our own that it accepts."""

from echo_servers.records import New
from echo_tui.model.activity import SECOND
from echo_tui.model.observations import ClientConnected, ClientOpening, Observation, ServerStarted

S = SECOND
STARTED = ServerStarted(1 * S, "multithread", 7, "127.0.0.1", 37564)
PEER = "127.0.0.1:5000"
NEW = New(3 * S, 7, 7, 1, PEER)
OPENED: list[Observation] = [ClientOpening(2 * S, 1), ClientConnected(2 * S + 5, 1, PEER)]
