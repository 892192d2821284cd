"""A mapping that only its owner changes."""

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Table(Mapping[K, V]):
    """A view of a part's own dictionary, which others can only read; as fast as the dictionary itself."""

    def __init__(self) -> None:
        self._all: dict[K, V] = {}

    def __getitem__(self, key: K) -> V:
        return self._all[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, key: object) -> bool:
        return key in self._all

    def get(self, key: K, default: None = None) -> V | None:  # type: ignore[override]
        """Return a value, or None."""
        return self._all.get(key, default)

    def keys(self) -> KeysView[K]:
        """Return the keys."""
        return self._all.keys()

    def values(self) -> ValuesView[V]:
        """Return the values."""
        return self._all.values()

    def items(self) -> ItemsView[K, V]:
        """Return keys and values."""
        return self._all.items()
