"""A session held still: what a frozen screen shows while the live one goes on counting."""

import copy
from collections import deque

from app.session.session import Session


def snapshot(session: Session) -> Session:
    """The session as it is now. Observations are shared, for they never change; all that does is copied."""
    still = copy.copy(session)
    still.server = copy.copy(session.server)
    still.totals = copy.copy(session.totals)
    still.block = copy.copy(session.block)
    copies = {id(c): c.copy() for c in (*session.connections.values(), *session.closed)}
    still.connections = {number: copies[id(c)] for number, c in session.connections.items()}
    still.closed = deque((copies[id(c)] for c in session.closed), maxlen=session.closed.maxlen)
    still.flood = session.flood.copy()
    still.clients = {}
    for number, client in session.clients.items():
        still.clients[number] = twin = copy.copy(client)
        if client.connection:
            twin.connection = copies.get(id(client.connection)) or client.connection.copy()
    still.workers = {}
    for key, worker in session.workers.items():
        still.workers[key] = copied = copy.copy(worker)
        copied.serving = {number: still.connections[number] for number in worker.serving}
    still.ended_took, still.lost_at = session.ended_took.copy(), session.lost_at.copy()
    still.processes = {}
    for pid, process in session.processes.items():
        still.processes[pid] = sampled = copy.copy(process)
        sampled.cpu = process.cpu.copy()
    still.cores = [history.copy() for history in session.cores]
    still.blocks = deque((copy.copy(span) for span in session.blocks), maxlen=session.blocks.maxlen)
    still.blocking = {key: copy.copy(span) for key, span in session.blocking.items()}
    still.holding = {key: copy.copy(span) for key, span in session.holding.items()}
    still.threads, still.stalls = session.threads.copy(), session.stalls.copy()
    still.missing, still.calls = session.missing.copy(), session.calls.copy()
    still.output, still.notes, still.lags = session.output.copy(), session.notes.copy(), session.lags.copy()
    still.log = session.log.copy()
    return still
