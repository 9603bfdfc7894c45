#!/usr/bin/env python3
"""Every interleaving of the two commits of a chunk, quarantine and table, and of replaying the quarantine, as a small model.

Landing: two workers take one split of which some records are poison. A chunk's poison goes to the quarantine table in one commit, then its
rows and the position to the main table in another; a worker may crash, or sleep for as long as it likes, between any two steps.

Replaying: what was poison has been mended. Two replays take what the quarantine holds through the main table's sink: note, rows with the
position of the scope "quarantine:", marks, then the notes go.

In every state that can be reached no record is a row twice, none is in the quarantine twice, none is both (unless it was replayed), and what
is marked as replayed is a row. From every state the survivors can finish: then each record is a row or waits in the quarantine, once, and
after a replay each has its mark.

`--mutant NAME` breaks one rule on purpose; the explorer must then find a violation. `--self-test` runs all mutants.

The rules live in two places only: the steps below, and src/land/{quarantine,held_records,table_sink,quarantine_replay}.cc. Change one, change
the other. What a lost answer does to one commit is in commit_protocol.py.
"""

import sys
from typing import NamedTuple, Optional, Tuple

import search

MUTANTS = {
    "no-held": "recovery does not look at what the quarantine holds ahead of the position",
    "held-by-start": "only chunks that began where the table stands now are looked at",
    "no-fence": "a chunk's poison is committed whatever another worker has quarantined since recovery",
    "rows-first": "the rows land before the poison of their chunk",
    "no-settle": "a replay does not look for marks that one before it owes",
    "settle-and-go": "a replay does not look again when another one landed between its settling and its reading",
    "marks-first": "records are marked before their rows have landed",
    "no-note": "there is no note: who lands a chunk remembers it, and nobody else knows",
    "dead-by-age": "every note but that of the position is taken for dead",
}

POISON = frozenset({1, 2})
RECORDS = 3


class Quarantined(NamedTuple):
    snapshot: Tuple  # identity of the commit that brought it
    begin: int  # of the chunk
    end: int
    record: int
    marked: bool = False


class Note(NamedTuple):
    chunk: Tuple
    after: Optional[Tuple]
    landed: Tuple[int, ...]


class Worker(NamedTuple):
    step: str = "recover"
    life: int = 0
    serial: int = 0
    position: int = 0
    end: int = 0
    held: frozenset = frozenset()
    known: frozenset = frozenset()  # snapshots of the quarantine


class Replay(NamedTuple):
    step: str = "settle"
    life: int = 0
    serial: int = 0
    settled: Optional[Tuple] = None
    owed: Tuple[Note, ...] = ()  # landed, to be marked, oldest first
    waiting: Tuple[int, ...] = ()  # records that are to be landed
    notes: frozenset = frozenset()  # as listed, for those that may be dead
    note: Optional[Note] = None
    settling: bool = True


class State(NamedTuple):
    rows: Tuple[int, ...] = ()
    position: int = 0
    cursor: Optional[Tuple] = None  # of the scope of replays
    quarantine: Tuple[Quarantined, ...] = ()
    notes: frozenset = frozenset()
    actors: Tuple = ()
    crashes: int = 0


def put(state, index, actor, **changes):
    return state._replace(actors=state.actors[:index] + (actor,) + state.actors[index + 1 :], **changes)


# ---- landing


def recover(state, index, worker, mutant):
    if state.position == RECORDS:
        return
    ahead = {
        "no-held": lambda q: False,
        "held-by-start": lambda q: q.begin == state.position,
    }.get(mutant, lambda q: q.begin == state.position or q.end > state.position)
    held = frozenset(q.record for q in state.quarantine if ahead(q))
    known = frozenset(q.snapshot for q in state.quarantine)
    for end in range(state.position + 1, RECORDS + 1):
        cut = worker._replace(step="look", serial=worker.serial + 1, position=state.position, end=end, held=held, known=known)
        yield f"cut[{state.position},{end})", put(state, index, cut)


def look(state, index, worker, mutant):
    if state.position != worker.position:
        yield "overtaken", put(state, index, worker._replace(step="recover"))
    else:
        yield "look", put(state, index, worker._replace(step="rows" if mutant == "rows-first" else "reject"))


def reject(state, index, worker, mutant):
    bad = [r for r in range(worker.position, worker.end) if r in POISON and r not in worker.held]
    after = worker._replace(step="recover" if mutant == "rows-first" else "rows")
    if not bad:
        yield "nothing to reject", put(state, index, after)
    elif mutant != "no-fence" and any(q.snapshot not in worker.known for q in state.quarantine):
        yield "another has quarantined", put(state, index, worker._replace(step="recover"))
    else:
        snapshot = (index, worker.life, worker.serial)
        brought = tuple(Quarantined(snapshot, worker.position, worker.end, r) for r in bad)
        yield f"quarantine {bad}", put(state, index, after, quarantine=state.quarantine + brought)


def rows(state, index, worker, mutant):
    if state.position != worker.position:
        yield "overtaken", put(state, index, worker._replace(step="recover"))
        return
    good = tuple(r for r in range(worker.position, worker.end) if r not in POISON and r not in worker.held)
    after = worker._replace(step="reject" if mutant == "rows-first" else "recover")
    yield "land", put(state, index, after, rows=state.rows + good, position=worker.end)


# ---- replaying


def chain(state, cursor):
    """Notes of what landed up to `cursor`, oldest first, as far back as there are any."""
    found = []
    by_chunk = {note.chunk: note for note in state.notes}
    while cursor in by_chunk:
        found.append(by_chunk[cursor])
        cursor = by_chunk[cursor].after
    return tuple(reversed(found))


def settle(state, index, replay, mutant):
    owed = () if mutant == "no-settle" else chain(state, state.cursor)
    yield "settle", put(state, index, replay._replace(step="mark", settled=state.cursor, owed=owed, settling=True))


def mark(state, index, replay, mutant):
    landed = {record for note in replay.owed for record in note.landed}
    marked = tuple(q._replace(marked=True) if q.record in landed else q for q in state.quarantine)
    yield f"mark {sorted(landed)}", put(state, index, replay._replace(step="forget"), quarantine=marked)


def forget(state, index, replay, mutant):
    """The marks are made: one note after the other goes."""
    if not replay.owed:
        yield "settled", put(state, index, replay._replace(step="list" if replay.settling else "done"))
        return
    note, *rest = replay.owed
    yield "delete a note", put(state, index, replay._replace(owed=tuple(rest)), notes=state.notes - {note})


def list_notes(state, index, replay, mutant):
    yield "list notes", put(state, index, replay._replace(step="bury", notes=state.notes))


def bury(state, index, replay, mutant):
    alive = set(chain(state, state.cursor)) | {note for note in replay.notes if note.after == state.cursor}
    if mutant == "dead-by-age":
        alive = {note for note in replay.notes if note.chunk == state.cursor}
    dead = frozenset(note for note in replay.notes if note not in alive)
    yield "bury", put(state, index, replay._replace(step="read", notes=frozenset()), notes=state.notes - dead)


def read(state, index, replay, mutant):
    waiting = tuple(sorted(q.record for q in state.quarantine if not q.marked))
    yield f"read {waiting}", put(state, index, replay._replace(step="position", waiting=waiting))


def position(state, index, replay, mutant):
    """Where the sink begins; it must be where everything has its marks."""
    if state.cursor != replay.settled and mutant != "settle-and-go":
        yield "look again", put(state, index, replay._replace(step="settle", waiting=()))
        return
    yield "begin", put(state, index, replay._replace(step="take", settled=state.cursor))


def take(state, index, replay, mutant):
    if not replay.waiting:
        yield "nothing more", put(state, index, replay._replace(step="mark", settling=False))
        return
    for size in range(1, len(replay.waiting) + 1):
        note = Note((index, replay.life, replay.serial), replay.settled, replay.waiting[:size])
        taken = replay._replace(step="land", serial=replay.serial + 1, note=note, waiting=replay.waiting[size:])
        if mutant == "marks-first":
            marked = tuple(q._replace(marked=True) if q.record in note.landed else q for q in state.quarantine)
            yield f"take {size}", put(state, index, taken, quarantine=marked)
        else:
            notes = state.notes if mutant == "no-note" else state.notes | {note}
            yield f"take {size}", put(state, index, taken, notes=notes)


def land(state, index, replay, mutant):
    note = replay.note
    if state.cursor != note.after:
        yield "overtaken", put(state, index, replay._replace(step="settle", owed=(), waiting=(), note=None))
        return
    after = replay._replace(step="take", settled=note.chunk, owed=replay.owed + (note,), note=None)
    yield f"land {note.landed}", put(state, index, after, rows=state.rows + note.landed, cursor=note.chunk)


STEPS = {
    "recover": recover, "look": look, "reject": reject, "rows": rows,
    "settle": settle, "mark": mark, "forget": forget, "list": list_notes, "bury": bury, "read": read, "position": position, "take": take, "land": land,
}  # fmt: skip


def moves(state, mutant):
    for index, actor in enumerate(state.actors):
        if actor.step in STEPS:
            for name, after in STEPS[actor.step](state, index, actor, mutant):
                yield f"{'AB'[index]} {name}", after
        if state.crashes and actor.step not in ("recover", "settle", "done"):
            fresh = type(actor)(life=actor.life + 1)
            yield f"{'AB'[index]} crash", put(state, index, fresh, crashes=state.crashes - 1)


def violation(state):
    if len(state.rows) != len(set(state.rows)):
        return f"a row twice: {state.rows}"
    kept = [q.record for q in state.quarantine]
    if len(kept) != len(set(kept)):
        return f"quarantined twice: {kept}"
    for q in state.quarantine:
        if q.marked and q.record not in state.rows:
            return f"record {q.record} is marked and has not landed"
    landing = isinstance(state.actors[0], Worker)
    lost = [r for r in range(state.position) if r not in state.rows and r not in kept]
    if landing and lost:
        return f"the position has passed {lost}, which are nowhere"
    if landing and set(kept) & set(state.rows):
        return f"both a row and in quarantine: {set(kept) & set(state.rows)}"
    return None


def finished(state):
    if isinstance(state.actors[0], Worker):
        return sorted(state.rows + tuple(q.record for q in state.quarantine)) == list(range(RECORDS))
    return all(q.marked for q in state.quarantine)


def landing(crashes):
    return State(actors=(Worker(), Worker()), crashes=crashes)


def replaying(crashes):
    kept = tuple(Quarantined(("pipeline", r), r, r + 1, r) for r in sorted(POISON))
    return State(rows=(0,), position=RECORDS, quarantine=kept, actors=(Replay(), Replay()), crashes=crashes)


# (which half, crashes)
SHORT = [("landing", 1), ("replaying", 1)]
LONG = SHORT + [("landing", 2), ("landing", 4), ("replaying", 2), ("replaying", 3)]


def explore_with(mutant, budget):
    half, crashes = budget
    first = {"landing": landing, "replaying": replaying}[half](crashes)
    return search.explore(first, lambda state: moves(state, mutant), violation, finished)


if __name__ == "__main__":
    sys.exit(search.main(__doc__, MUTANTS, SHORT, LONG, ("half", "crashes"), explore_with))
