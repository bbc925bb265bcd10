"""What the tests of models share."""

from collections.abc import Iterator

import pytest

from tests.unit.models.registry import Registry, serving


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A package registry on loopback."""
    with serving() as found:
        yield found
