#!/usr/bin/env python3
"""Every interleaving of the commit protocol, as a small model, to a bounded depth.

Two workers land the same split into one table. The network may lose a request, lose or delay its answer, and deliver a request late; a
worker may crash at any step and start again with nothing but what the table holds; a stranger may compact on top of our commits, expire
old snapshots, or roll the table back. In every state that can be reached:

- no record is in the table twice, and what is there is a prefix of the split: nothing lost, nothing skipped;
- the positions the table states are exactly the end of that prefix (unless a person rolled it back);
- every file that the table's snapshot refers to exists;
- from every state, the surviving workers alone can finish the split (no dead end), unless a rollback asked for a person.

`--mutant NAME` breaks one rule of the protocol on purpose; the explorer must then find a violation. `--self-test` runs all mutants.

The rules live in two places only: Worker steps below, and src/land/committer.cc. Change one, change the other.
"""

import itertools
import sys
from typing import NamedTuple, Optional, Tuple

import search

RECORDS = 2  # of the split
MUTANTS = {
    "no-position-check": "commit without comparing the stored position with the chunk's start",
    "unknown-is-failed": "treat a lost answer as failure: delete the files and start over",
    "head-only": "look for the positions at the head alone, not in its ancestry or the property",
    "no-ref-requirement": "let the catalogue apply a request whose base is no longer the head",
    "delete-after-unknown": "delete the chunk's files when overtaken although an answer is outstanding",
    "ignore-rollback": "trust the summary when the property is ahead of it",
}


class Snapshot(NamedTuple):
    parent: int  # index into the table's snapshots; -1: none
    commit: Tuple  # identity of the commit that made it
    rows: Tuple[Tuple[int, int], ...]  # half-open ranges of records, each with its file; live after this snapshot
    files: Tuple
    position: Optional[int]  # None: a stranger's snapshot says nothing


class Table(NamedTuple):
    snapshots: Tuple[Snapshot, ...] = ()
    head: int = -1
    expired: frozenset = frozenset()  # snapshots nobody can look up any more
    mirror: int = 0  # the table property
    rolled_back: bool = False


class Request(NamedTuple):
    worker: int
    commit: Tuple
    base: int
    start: int
    end: int
    file: Tuple
    after_rollback: bool  # sent by a worker that should have stopped


class Worker(NamedTuple):
    step: str = "begin"  # begin | ready | waiting | stopped
    position: int = 0
    chunk: Optional[Tuple[int, int]] = None
    life: int = 0  # crashes so far; makes commit ids and file names of a new life new
    serial: int = 0
    unsure: bool = False  # an answer of some attempt for this chunk never came


class State(NamedTuple):
    table: Table
    workers: Tuple[Worker, ...]
    flying: frozenset  # requests that may still arrive
    answers: frozenset  # (worker, commit, base, "committed" | "conflict")
    deleted: frozenset  # files
    budget: Tuple[int, int, int, int, int]  # crashes, losses, compactions, expiries, rollbacks that may still happen


def ancestry(table):
    at = table.head
    while at != -1 and at not in table.expired:
        yield table.snapshots[at]
        at = table.snapshots[at].parent


def stored_position(table, mutant):
    """What the protocol reads: the newest ancestor that states one, else the property. None: stop and ask a person."""
    if mutant == "head-only":
        head = next(ancestry(table), None)
        return head.position if head and head.position is not None else 0
    summary = next((s.position for s in ancestry(table) if s.position is not None), None)
    if summary is None:
        return table.mirror
    if table.mirror > summary and mutant != "ignore-rollback":
        return None
    return summary


def replace_worker(state, index, worker, **changes):
    workers = state.workers[:index] + (worker,) + state.workers[index + 1 :]
    return state._replace(workers=workers, **changes)


def apply_request(table, request, mutant):
    """The catalogue: one compare-and-swap on the head."""
    if table.head != request.base and mutant != "no-ref-requirement":
        return table, "conflict"
    base = table.snapshots[table.head] if table.head != -1 else Snapshot(-1, (), (), (), 0)
    made = Snapshot(
        table.head,
        request.commit,
        base.rows + ((request.start, request.end),),
        base.files + (request.file,),
        request.end,
    )
    return table._replace(snapshots=table.snapshots + (made,), head=len(table.snapshots), mirror=request.end), "committed"


def own_answers(state, index, worker):
    commit = commit_id(index, worker)
    return [a for a in state.answers if a[0] == index and a[1] == commit]


def commit_id(index, worker):
    return (index, worker.life, worker.serial)


def forget_answers(state, index):
    return frozenset(a for a in state.answers if a[0] != index)


def step_begin(state, index, worker, mutant):
    """Read the table; go on after what it holds."""
    position = stored_position(state.table, mutant)
    if position is None:
        yield "stop", replace_worker(state, index, worker._replace(step="stopped", chunk=None))
    elif position < RECORDS:
        for end in range(position + 1, RECORDS + 1):
            ready = worker._replace(step="ready", position=position, chunk=(position, end), serial=worker.serial + 1, unsure=False)
            yield f"cut[{position},{end})", replace_worker(state, index, ready)


def overtaken(state, index, worker, mutant):
    """Somebody moved the position past our start: drop the chunk. Its files go only when no answer is outstanding."""
    deleted = state.deleted
    if not worker.unsure or mutant == "delete-after-unknown":
        deleted = deleted | {commit_id(index, worker)}
    return replace_worker(state, index, worker._replace(step="begin", chunk=None), deleted=deleted, answers=forget_answers(state, index))


def step_ready(state, index, worker, mutant):
    """A fresh read decides: landed already, stop, overtaken, or ask the catalogue on this base."""
    commit = commit_id(index, worker)
    start, end = worker.chunk
    if any(s.commit == commit for s in ancestry(state.table)):
        yield "landed", replace_worker(state, index, worker._replace(step="begin", chunk=None), answers=forget_answers(state, index))
        return
    position = stored_position(state.table, mutant)
    if position is None:
        yield "stop", replace_worker(state, index, worker._replace(step="stopped"))
        return
    if position != start and mutant != "no-position-check":
        yield "overtaken", overtaken(state, index, worker, mutant)
        return
    request = Request(index, commit, state.table.head, start, end, commit, state.table.rolled_back)
    waiting = worker._replace(step="waiting")
    yield "send", replace_worker(state, index, waiting, flying=state.flying | {request})


def step_waiting(state, index, worker, mutant):
    for answer in own_answers(state, index, worker):
        answers = state.answers - {answer}
        if answer[3] == "committed":
            yield "acknowledge", replace_worker(state, index, worker._replace(step="begin", chunk=None), answers=answers)
        else:
            yield "rebase", replace_worker(state, index, worker._replace(step="ready"), answers=answers)
    flying = any(r.worker == index and r.commit == commit_id(index, worker) for r in state.flying)
    crashes, losses, *rest = state.budget
    if own_answers(state, index, worker) or (flying and not losses):
        return
    # No answer within the deadline: the request was lost, or it is still flying and may land later. Read again.
    after = worker._replace(step="ready", unsure=True)
    if mutant == "unknown-is-failed":
        # The classic mistake: assume that it did not land, clean up, start over.
        after = worker._replace(step="begin", chunk=None)
        state = state._replace(deleted=state.deleted | {commit_id(index, worker)})
    budget = (crashes, losses - flying, *rest)
    yield "time out", replace_worker(state, index, after, budget=budget)


STEPS = {"begin": step_begin, "ready": step_ready, "waiting": step_waiting}


def network(state, mutant):
    for request in state.flying:
        table, verdict = apply_request(state.table, request, mutant)
        flying = state.flying - {request}
        answer = (request.worker, request.commit, request.base, verdict)
        yield f"arrive {request.commit}", state._replace(table=table, flying=flying, answers=state.answers | {answer})
        crashes, losses, *rest = state.budget
        if losses:
            yield f"lose {request.commit}", state._replace(flying=flying, budget=(crashes, losses - 1, *rest))


def strangers(state):
    crashes, losses, compactions, expiries, rollbacks = state.budget
    table = state.table
    if table.head == -1:
        return
    head = table.snapshots[table.head]
    if compactions:
        made = Snapshot(table.head, ("compact", len(table.snapshots)), head.rows, head.files, None)
        compacted = table._replace(snapshots=table.snapshots + (made,), head=len(table.snapshots))
        yield "compact", state._replace(table=compacted, budget=(crashes, losses, compactions - 1, expiries, rollbacks))
    if expiries and head.parent != -1:
        old = frozenset(i for i in range(len(table.snapshots)) if i != table.head)
        yield "expire", state._replace(
            table=table._replace(expired=table.expired | old), budget=(crashes, losses, compactions, expiries - 1, rollbacks)
        )
    if rollbacks and head.parent != -1 and head.parent not in table.expired:
        back = table._replace(head=head.parent)
        moved = stored_position(back, "ignore-rollback") != stored_position(table, "ignore-rollback")
        back = back._replace(rolled_back=table.rolled_back or moved)
        yield "roll back", state._replace(table=back, budget=(crashes, losses, compactions, expiries, rollbacks - 1))


def moves(state, mutant):
    for index, worker in enumerate(state.workers):
        if worker.step in STEPS:
            for name, after in STEPS[worker.step](state, index, worker, mutant):
                yield f"{'AB'[index]} {name}", after
        if state.budget[0] and worker.step in ("ready", "waiting"):
            fresh = Worker(life=worker.life + 1)
            yield f"{'AB'[index]} crash", replace_worker(
                state, index, fresh, answers=forget_answers(state, index), budget=(state.budget[0] - 1, *state.budget[1:])
            )
    yield from network(state, mutant)
    yield from strangers(state)


def violation(state):
    table = state.table
    if any(request.after_rollback for request in state.flying):
        return "a worker goes on after a rollback without being told to"
    if table.head == -1:
        return None
    head = table.snapshots[table.head]
    seen = list(itertools.chain.from_iterable(range(*r) for r in head.rows))
    if len(seen) != len(set(seen)):
        return f"record twice: {head.rows}"
    if sorted(seen) != list(range(len(seen))):
        return f"a hole: {head.rows}"
    if set(head.files) & state.deleted:
        return f"the head refers to deleted files {set(head.files) & state.deleted}"
    if not table.rolled_back and table.mirror != len(seen):
        return f"positions say {table.mirror}, rows say {len(seen)}"
    return None


def finished(state):
    table = state.table
    done = table.head != -1 and sum(b - a for a, b in table.snapshots[table.head].rows) == RECORDS
    return done or table.rolled_back


def explore_with(mutant, budget):
    first = State(Table(), (Worker(), Worker()), frozenset(), frozenset(), frozenset(), budget)
    return search.explore(first, lambda state: moves(state, mutant), violation, finished)


# (crashes, losses, compactions, expiries, rollbacks)
SHORT = [(1, 1, 1, 1, 0), (1, 2, 0, 0, 0), (0, 1, 0, 0, 1)]
LONG = SHORT + [(2, 2, 1, 1, 0), (1, 2, 1, 0, 1)]


if __name__ == "__main__":
    sys.exit(search.main(__doc__, MUTANTS, SHORT, LONG, ("crashes", "losses", "compactions", "expiries", "rollbacks"), explore_with))
