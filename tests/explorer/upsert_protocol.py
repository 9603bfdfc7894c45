#!/usr/bin/env python3
"""Every interleaving of upserts into a table with one row a key, as a small model, to a bounded depth.

Two workers land the same split of changes (put, put again, delete) in one of three ways: `positions` deletes the rows that a chunk replaces
by file and place, `rewrite` writes their files again without them, `equality` names the keys and knows no rows. Rows of the chunk itself
that a later change of it replaces are deleted by place in all three. The network may lose a request, lose or delay its answer, and deliver
a request late; a worker may crash at any step; maintenance merges the data files beside them, from a snapshot that may be old by the time
it commits. In every state that can be reached:

- the rows that a reader sees are exactly what the changes up to the table's position leave: no key twice, none back from the dead, none lost;
- every file that the table's snapshot refers to exists;
- from every state, the surviving workers alone can finish the split.

`--mutant NAME` breaks one rule on purpose; the explorer must then find a violation in one of the ways. `--self-test` runs all mutants.

The rules live in two places only: the functions below, and src/land/upsert/upserts.cc with src/refine/maintenance. Change one, change the
other. Rollback and expiry are commit_protocol.py's.
"""

import itertools
import sys
from typing import NamedTuple, Optional, Tuple

import search

SPLITS = (
    (("a", "put"), ("b", "put"), ("a", "put")),
    (("a", "put"), ("a", "put"), ("a", "delete")),
)
MODES = ("positions", "rewrite", "equality")
MUTANTS = {
    "stale-change": "send what was made for an older base again on the new one",
    "no-ref-requirement": "let the catalogue apply a request whose base is no longer the head",
    "own-rows-stay": "do not delete rows of the chunk that a later change of the same chunk replaces",
    "deletes-reach-own": "let a delete by value reach rows of its own sequence number",
    "merge-unchecked": "let maintenance replace files that lost rows since it read them",
    "merge-takes-new-sequence": "give merged files the sequence number of their commit instead of that of what was read",
    "deletes-are-rows": "take a delete of a key that is not there for a row",
}


class DataFile(NamedTuple):
    name: Tuple
    sequence: int
    rows: Tuple[Tuple[str, int], ...]  # key, and the change that made it


class Snapshot(NamedTuple):
    commit: Tuple
    parent: int
    sequence: int
    files: frozenset  # of DataFile
    places: frozenset  # (name of a file, row): deleted by place
    keys: frozenset  # (key, sequence): deleted by value
    others: frozenset  # names of delete files
    position: int


EMPTY = Snapshot((), -1, 0, frozenset(), frozenset(), frozenset(), frozenset(), 0)


class Change(NamedTuple):
    """What a chunk does to a base."""

    base: int
    added: frozenset
    removed: frozenset  # of DataFile
    places: frozenset
    keys: frozenset
    made: Tuple  # name of the files made for this base only


class Request(NamedTuple):
    worker: int
    commit: Tuple
    base: int
    end: int
    change: Change


class Worker(NamedTuple):
    step: str = "begin"  # begin | ready | waiting
    chunk: Optional[Tuple[int, int]] = None
    change: Optional[Change] = None
    life: int = 0
    serial: int = 0
    unsure: bool = False  # an answer of some attempt for this chunk never came


class State(NamedTuple):
    snapshots: Tuple[Snapshot, ...]  # the last one is the head
    workers: Tuple[Worker, ...]
    flying: frozenset
    answers: frozenset  # (worker, commit, base, "committed" | "conflict")
    changes: Tuple  # the split
    deleted: frozenset  # names of files
    merging: Optional[int]  # the snapshot that maintenance has read
    budget: Tuple[int, int, int]  # crashes, losses, merges that may still happen


def live(snapshot, mutant=None):
    """As a reader sees it: (file, row, key, change)."""
    reach = 1 if mutant == "deletes-reach-own" else 0
    for file in snapshot.files:
        for row, (key, change) in enumerate(file.rows):
            by_place = (file.name, row) in snapshot.places
            by_value = any(key == named and file.sequence < sequence + reach for named, sequence in snapshot.keys)
            if not by_place and not by_value:
                yield file, row, key, change


def fold(changes):
    rows = {}
    for number, (key, kind) in enumerate(changes):
        if kind == "put":
            rows[key] = number
        else:
            rows.pop(key, None)
    return rows


def commit_id(index, worker):
    return (index, worker.life, worker.serial)


def make_change(state, index, worker, mode, mutant):
    """src/land/upsert: rows are written as they came, the last change of a key stands, and what it replaces goes."""
    base = len(state.snapshots) - 1
    head = state.snapshots[base]
    start, end = worker.chunk
    split = state.changes
    commit = commit_id(index, worker)
    puts = [n for n in range(start, end) if split[n][1] == "put" or mutant == "deletes-are-rows"]
    last = {split[n][0]: n for n in range(start, end)}
    rows = tuple((split[n][0], n) for n in puts)
    file = DataFile(commit, head.sequence + 1, rows)
    own = frozenset((commit, row) for row, (key, number) in enumerate(rows) if last[key] != number)
    if mutant == "own-rows-stay":
        own = frozenset()
    added = frozenset([file] if rows else [])
    made = (*commit, base)
    replaced = [(old, row) for old, row, key, _ in live(head) if key in last]
    if mode == "equality":
        keys = frozenset((key, head.sequence + 1) for key in last)
        return Change(base, added, frozenset(), own, keys, made)
    if mode == "positions":
        return Change(base, added, frozenset(), own | frozenset((old.name, row) for old, row in replaced), frozenset(), made)
    touched = {old for old, _ in replaced}
    copies = set()
    for old in touched:
        gone = {row for other, row in replaced if other == old} | {row for name, row in head.places if name == old.name}
        kept = tuple(each for row, each in enumerate(old.rows) if row not in gone)
        copies.add(DataFile((*made, old.name), old.sequence, kept))
    return Change(base, added | frozenset(copies), frozenset(touched), own, frozenset(), made)


def names_of(change):
    return frozenset(file.name for file in change.added) | {change.made}


def apply_request(state, request, mutant):
    """The catalogue: one compare-and-swap on the head."""
    head_at = len(state.snapshots) - 1
    head = state.snapshots[head_at]
    if head_at != request.base and mutant != "no-ref-requirement":
        return state, "conflict"
    change = request.change
    made = Snapshot(
        request.commit,
        head_at,
        head.sequence + 1,
        (head.files - change.removed) | change.added,
        head.places | change.places,
        head.keys | change.keys,
        head.others | {change.made},
        request.end,
    )
    return state._replace(snapshots=state.snapshots + (made,)), "committed"


def replace_worker(state, index, worker, **changes):
    workers = state.workers[:index] + (worker,) + state.workers[index + 1 :]
    return state._replace(workers=workers, **changes)


def forget_answers(state, index):
    return frozenset(a for a in state.answers if a[0] != index)


def own_answers(state, index, worker):
    return [a for a in state.answers if a[0] == index and a[1] == commit_id(index, worker)]


def step_begin(state, index, worker, mode, mutant):
    position = state.snapshots[-1].position
    for end in range(position + 1, len(state.changes) + 1):
        ready = worker._replace(step="ready", chunk=(position, end), change=None, serial=worker.serial + 1, unsure=False)
        yield f"cut[{position},{end})", replace_worker(state, index, ready)


def step_ready(state, index, worker, mode, mutant):
    commit = commit_id(index, worker)
    done = worker._replace(step="begin", chunk=None, change=None)
    if any(snapshot.commit == commit for snapshot in state.snapshots):
        yield "landed", replace_worker(state, index, done, answers=forget_answers(state, index))
        return
    start, end = worker.chunk
    if state.snapshots[-1].position != start:
        # Somebody was faster. Files go only when no request that names them can still arrive.
        gone = frozenset() if worker.unsure or not worker.change else names_of(worker.change)
        yield "overtaken", replace_worker(state, index, done, deleted=state.deleted | gone, answers=forget_answers(state, index))
        return
    base = len(state.snapshots) - 1
    change, deleted = worker.change, state.deleted
    if change is None or (change.base != base and mutant != "stale-change"):
        if change is not None and not worker.unsure:
            deleted = deleted | {name for name in names_of(change) if name != commit}
        change = make_change(state, index, worker, mode, mutant)
    request = Request(index, commit, base, end, change)
    waiting = worker._replace(step="waiting", change=change)
    yield "send", replace_worker(state, index, waiting, flying=state.flying | {request}, deleted=deleted)


def step_waiting(state, index, worker, mode, mutant):
    answers = own_answers(state, index, worker)
    for answer in answers:
        rest = state.answers - {answer}
        if answer[3] == "committed":
            yield "acknowledge", replace_worker(state, index, worker._replace(step="begin", chunk=None, change=None), answers=rest)
        else:
            yield "rebase", replace_worker(state, index, worker._replace(step="ready"), answers=rest)
    flying = any(r.worker == index and r.commit == commit_id(index, worker) for r in state.flying)
    crashes, losses, merges = state.budget
    if answers or (flying and not losses):
        return
    yield "time out", replace_worker(state, index, worker._replace(step="ready", unsure=True), budget=(crashes, losses - flying, merges))


STEPS = {"begin": step_begin, "ready": step_ready, "waiting": step_waiting}


def network(state, mutant):
    for request in state.flying:
        after, verdict = apply_request(state, request, mutant)
        flying = state.flying - {request}
        answer = (request.worker, request.commit, request.base, verdict)
        yield f"arrive {request.commit}", after._replace(flying=flying, answers=state.answers | {answer})
        crashes, losses, merges = state.budget
        if losses:
            yield f"lose {request.commit}", state._replace(flying=flying, budget=(crashes, losses - 1, merges))


def maintenance(state, mutant):
    """src/refine/maintenance: all data files become one, of the rows that were there; deletes that came since go on to reach it."""
    head_at = len(state.snapshots) - 1
    head = state.snapshots[head_at]
    if state.merging is None:
        if state.budget[2] and head.files:
            yield "read for a merge", state._replace(merging=head_at, budget=(*state.budget[:2], state.budget[2] - 1))
        return
    read = state.snapshots[state.merging]
    gone = {file.name for file in read.files}
    unchanged = read.files <= head.files and {p for p in head.places - read.places if p[0] in gone} == set()
    if not unchanged and mutant != "merge-unchecked":
        yield "give the merge up", state._replace(merging=None)
        return
    sequence = head.sequence + 1
    rows = tuple((key, change) for _, _, key, change in sorted(live(read)))
    merged = DataFile(("merge", head_at), sequence if mutant == "merge-takes-new-sequence" else read.sequence, rows)
    made = head._replace(
        commit=("merge", head_at),
        parent=head_at,
        sequence=sequence,
        files=frozenset(file for file in head.files if file.name not in gone) | {merged},
        places=frozenset(place for place in head.places if place[0] not in gone),
    )
    yield "merge", state._replace(snapshots=state.snapshots + (made,), merging=None)


def moves(state, mode, mutant):
    for index, worker in enumerate(state.workers):
        for name, after in STEPS[worker.step](state, index, worker, mode, mutant):
            yield f"{'AB'[index]} {name}", after
        if state.budget[0] and worker.step != "begin":
            fresh = Worker(life=worker.life + 1)
            budget = (state.budget[0] - 1, *state.budget[1:])
            yield f"{'AB'[index]} crash", replace_worker(state, index, fresh, answers=forget_answers(state, index), budget=budget)
    yield from network(state, mutant)
    yield from maintenance(state, mutant)


def violation(state, mutant):
    head = state.snapshots[-1]
    seen = sorted((key, change) for _, _, key, change in live(head, mutant))
    wanted = sorted(fold(state.changes[: head.position]).items())
    if seen != wanted:
        return f"at position {head.position} a reader sees {seen}, the changes leave {wanted}"
    missing = ({file.name for file in head.files} | head.others) & state.deleted
    return f"the head refers to deleted files {sorted(missing)}" if missing else None


def finished(state):
    return state.snapshots[-1].position == len(state.changes)


def explore_with(mutant, budget):
    states = 0
    for mode, split in itertools.product(MODES, SPLITS):
        first = State((EMPTY,), (Worker(), Worker()), frozenset(), frozenset(), split, frozenset(), None, budget)
        known, found = search.explore(
            first, lambda state, mode=mode: moves(state, mode, mutant), lambda state: violation(state, mutant), finished
        )
        states += known
        if found:
            return states, (f"{mode}: {found[0]}", found[1])
    return states, None


# (crashes, losses, merges)
SHORT = [(0, 1, 0), (0, 0, 1), (1, 0, 0)]
LONG = SHORT + [(0, 1, 1), (1, 1, 0)]


if __name__ == "__main__":
    sys.exit(search.main(__doc__, MUTANTS, SHORT, LONG, ("crashes", "losses", "merges"), explore_with))
