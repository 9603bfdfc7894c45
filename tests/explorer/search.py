"""Breadth first over every state of a small model; states are hashable and moves are pure."""

import argparse
from collections import deque


def trace(parents, state):
    steps = []
    while parents[state] is not None:
        state, name = parents[state]
        steps.append(name)
    return steps[::-1]


def explore(first, moves, violation, finished):
    """Returns (states, violation with its shortest trace or None). `moves` yields (name, state); `violation` a sentence or None."""
    parents = {first: None}
    queue = deque([first])
    while queue:
        state = queue.popleft()
        wrong = violation(state)
        if wrong:
            return len(parents), (wrong, trace(parents, state))
        stuck = True
        for name, after in moves(state):
            stuck = False
            if after not in parents:
                parents[after] = (state, name)
                queue.append(after)
        if stuck and not finished(state):
            return len(parents), ("dead end: nobody can finish", trace(parents, state))
    return len(parents), None


def main(description, mutants, short, long, names, explore_with):
    """The command line of an explorer: one mutant, all of them (each must be caught), or the protocol as it is. Returns the exit code."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutant", choices=sorted(mutants))
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--long", action="store_true", help="more faults at once; minutes instead of seconds")
    arguments = parser.parse_args()
    budgets = long if arguments.long else short
    if arguments.self_test:
        missed = 0
        for mutant in mutants:
            found = next((found for budget in budgets if (found := explore_with(mutant, budget)[1])), None)
            print(f"mutant {mutant}: {'found: ' + found[0] + ' after ' + ', '.join(found[1]) if found else 'NOT FOUND'}")
            missed += not found
        return 1 if missed else 0
    for budget in budgets:
        states, found = explore_with(arguments.mutant, budget)
        faults = dict(zip(names, budget))
        if found:
            print(f"{faults}: VIOLATION {found[0]}\n  " + "\n  ".join(found[1]))
            return 1
        print(f"{faults}: {states} states, all good")
    return 0
