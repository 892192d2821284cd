"""As for the session's tests, no generated example is held against a clock."""

from hypothesis import settings

import tests.model.conftest  # noqa: F401 - registers the profile

settings.load_profile("patient")
