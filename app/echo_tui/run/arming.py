"""Which blocking call is armed: by the user, or by the pattern that comes with one."""

import time

from echo_servers.block import BlockSetting

from echo_tui.model.observations import BlockSet


class Arming:
    """The block that the block key switches, and whether it is on."""

    def __init__(self, chosen: BlockSetting | None) -> None:
        self._chosen = chosen
        self._on = chosen is not None
        self._of_pattern: BlockSetting | None = None
        self._brought = False
        """Whether it is on because the pattern came with it."""

    @property
    def setting(self) -> BlockSetting:
        """What the key switches."""
        return self._chosen or self._of_pattern or BlockSetting()

    @property
    def now(self) -> BlockSetting | None:
        """What is armed."""
        return self.setting if self._on or self._brought else None

    def comes_with(self, block: BlockSetting | None) -> None:
        """Another pattern starts, with a block of its own or without."""
        self._of_pattern, self._brought = block, block is not None

    def choose(self, setting: BlockSetting) -> None:
        """Have the key switch this one from now on."""
        self._chosen = setting

    def switch(self, on: bool) -> None:
        """Switch it on or off; from now on the user decides, and not the pattern."""
        self._on, self._brought = on, False

    def told(self) -> BlockSet:
        """What is to be known of it."""
        setting = self.setting
        return BlockSet(time.monotonic_ns(), self.now is not None, setting.kind, setting.seconds, setting.every)
