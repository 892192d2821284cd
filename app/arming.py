"""Which blocking call is armed: by the user, or by the pattern that comes with one."""

import time

from app.session.observations import BlockSet
from servers.block import BlockSetting


class Arming:
    """The block that the block key switches, and whether it is on."""

    def __init__(self, chosen: BlockSetting | None) -> None:
        self._chosen = chosen
        self._on = chosen is not None
        self._of_pattern: BlockSetting | None = None

    @property
    def setting(self) -> BlockSetting:
        """What the key switches."""
        return self._chosen or self._of_pattern or BlockSetting()

    @property
    def now(self) -> BlockSetting | None:
        """What is armed."""
        return self.setting if self._on or self._of_pattern else None

    def comes_with(self, block: BlockSetting | None) -> None:
        """Another pattern starts, with a block of its own or without."""
        self._of_pattern = block

    def choose(self, setting: BlockSetting) -> None:
        """Have the key switch this one from now on."""
        self._chosen = setting

    def switch(self, on: bool) -> None:
        """Switch it on or off; what the pattern came with is over."""
        self._on, self._of_pattern = on, None

    def told(self) -> BlockSet:
        """What is to be known of it."""
        setting = self.setting
        return BlockSet(time.monotonic_ns(), self.now is not None, setting.kind, setting.seconds, setting.every)
