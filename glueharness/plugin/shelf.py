"""``Shelf``: the specs of one kind by name, and who wins where two plugins offer the same name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from glueharness.errors import PluginError, UnknownNameError
from glueharness.plugin.status import OWN, owners

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glueharness.plugin.status import PluginStatus


class Named(Protocol):
    """What every spec has."""

    @property
    def name(self) -> str:
        """What it is called on a command line."""


Spec = TypeVar("Spec", bound=Named)


@dataclass(slots=True)
class Shelf(Generic[Spec]):
    """The specs of one kind, by name.

    Attributes:
        kind: What they are, for messages.
        items: Name to the specs of that name with their owners; more than one is a clash.
        preferred: Plugins or distributions that win a clash.
    """

    kind: str
    items: dict[str, list[tuple[Spec, PluginStatus]]] = field(default_factory=dict)
    preferred: frozenset[str] = frozenset()

    def add(self, spec: Spec, owner: PluginStatus) -> None:
        """Put a spec on the shelf.

        A name that glueharness's own plugins have stays theirs, unless the user prefers another's:
        a stranger takes nothing out of use. Of other plugins with one name none is: choosing would
        be a guess.
        """
        claims = self.items.setdefault(spec.name, [])
        claims.append((spec, owner))
        if len(claims) == 1:
            return
        winner = self._winner(claims)
        if winner is None:
            claimants = [claimant for _, claimant in claims]
            for claimant in claimants:
                claimant.impair(self._dispute(spec.name, claimants), _way_out(claimants))
            return
        for _, loser in claims:
            if loser is not winner[1]:
                loser.impair(
                    f"the {self.kind} {spec.name!r} is not in use: {winner[1].owner} has one of "
                    "that name",
                    f"To take this one instead: --prefer {loser.name}",
                )
        self.items[spec.name] = [winner]

    def _winner(
        self, claims: Sequence[tuple[Spec, PluginStatus]]
    ) -> tuple[Spec, PluginStatus] | None:
        """The claim that the user prefers, or glueharness's own; None if there is not just one."""
        chosen = [
            claim for claim in claims if self.preferred & {claim[1].name, claim[1].distribution}
        ]
        # A plugin of any distribution can call itself as it likes.
        ours = [claim for claim in claims if claim[1].distribution == OWN]
        return next((found[0] for found in (chosen, ours) if len(found) == 1), None)

    def refuse(self, name: str, why: str) -> None:
        """Take a name off the shelf and tell its owners why."""
        for _, owner in self.items.pop(name, []):
            owner.impair(f"the {self.kind} {name!r} is not in use: {why}")

    def _dispute(self, name: str, claimants: Sequence[PluginStatus]) -> str:
        if len(set(map(id, claimants))) == 1:
            return f"{claimants[0].owner} offers the {self.kind} {name!r} twice"
        return f"{owners(claimants)} both offer a {self.kind} called {name!r}"

    def get(self, name: str) -> Spec:
        """The spec of that name.

        Raises:
            UnknownNameError: There is none; the message lists the known names.
            PluginError: Two plugins claim the name; the message names both.
        """
        found = self.items.get(name)
        if not found:
            raise UnknownNameError.among(self.kind, name, self.items)
        if len(found) > 1:
            claimants = [owner for _, owner in found]
            raise PluginError(self._dispute(name, claimants), remedy=_way_out(claimants))
        return found[0][0]

    def owner(self, name: str) -> PluginStatus:
        """Who offers the spec of that name."""
        self.get(name)
        return self.items[name][0][1]

    def __iter__(self) -> Iterator[Spec]:
        """The specs whose name is not in dispute, in the plugins' order."""
        return (found[0][0] for found in self.items.values() if len(found) == 1)


def _way_out(claimants: Sequence[PluginStatus]) -> str:
    last = claimants[-1]
    if last.point is None:  # a file, which nobody has installed
        return f"Leave one out: --no-plugin {last.name}, or give it another name in its file."
    name = last.distribution
    return f"Leave one out: --no-plugin {name}, or remove it: pip uninstall {name}"
