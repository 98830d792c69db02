"""Which runs of words of one text occur in another, in time linear in both: a suffix automaton (Blumer et al. 1985)."""

from __future__ import annotations

from collections.abc import Sequence


class Runs:
    """All runs of words of one text."""

    __slots__ = ("_first_end", "_link", "_longest", "_steps")

    def __init__(self, keys: Sequence[str]) -> None:
        steps: list[dict[str, int]] = [{}]
        link, longest, first_end = [-1], [0], [0]
        last = 0
        for n, key in enumerate(keys):
            state = len(steps)
            steps.append({})
            longest.append(longest[last] + 1)
            first_end.append(n + 1)
            link.append(0)
            at = last
            while at >= 0 and key not in steps[at]:
                steps[at][key] = state
                at = link[at]
            if at >= 0:
                target = steps[at][key]
                if longest[target] == longest[at] + 1:
                    link[state] = target
                else:
                    clone = len(steps)
                    steps.append(dict(steps[target]))
                    longest.append(longest[at] + 1)
                    first_end.append(first_end[target])
                    link.append(link[target])
                    while at >= 0 and steps[at].get(key) == target:
                        steps[at][key] = clone
                        at = link[at]
                    link[target] = link[state] = clone
            last = state
        self._steps, self._link, self._longest, self._first_end = steps, link, longest, first_end

    def ending(self, keys: Sequence[str]) -> list[tuple[int, int]]:
        """For each word of another text, the longest run of this text that ends with it there: its length in words,
        and the number of words of this text up to the end of its first occurrence."""
        steps, link, longest, first_end = self._steps, self._link, self._longest, self._first_end
        out = []
        state = run = 0
        for key in keys:
            while state and key not in steps[state]:
                state = link[state]
                run = longest[state]
            if key in steps[state]:
                state, run = steps[state][key], run + 1
            out.append((run, first_end[state]))
        return out
