"""Which blocking call is armed: the user's, or the one that a pattern brings."""

import time

from echo_servers.block import BlockSetting

from echo_tui.model.observations import BlockSet


class Arming:
    """The block that the block key switches, and whether it is armed."""

    def __init__(self, chosen: BlockSetting | None) -> None:
        self._chosen = chosen
        self._on = chosen is not None
        self._only = 0
        self._of_pattern: BlockSetting | None = None
        self._brought = False
        """Whether it is armed because the pattern brings it."""

    @property
    def setting(self) -> BlockSetting:
        """The block that the key switches."""
        return self._chosen or self._of_pattern or BlockSetting()

    @property
    def now(self) -> BlockSetting | None:
        """The armed block; None if none is armed."""
        return self.setting if self._on or self._brought else None

    def comes_with(self, block: BlockSetting | None) -> None:
        """Note that another pattern starts, with its own block or None."""
        self._of_pattern, self._brought = block, block is not None

    def for_all(self) -> None:
        """Note that a server starts: the block is for all its clients."""
        self._only = 0

    def choose(self, setting: BlockSetting) -> None:
        """Choose the block that the key switches from now on."""
        self._chosen = setting

    def switch(self, on: bool, only: int = 0) -> None:
        """Arm or disarm it, perhaps only for the client with this port; now the user decides, not the pattern."""
        self._on, self._brought, self._only = on, False, only

    def observation(self) -> BlockSet:
        """Return the state as an observation."""
        setting, at, on = self.setting, time.monotonic_ns(), self.now is not None
        return BlockSet(at, on, setting.kind, setting.seconds, setting.every, self._only)
