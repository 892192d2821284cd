"""The fixture that starts servers for the tests of the matrix."""

from tests.servers.conftest import start  # noqa: F401
