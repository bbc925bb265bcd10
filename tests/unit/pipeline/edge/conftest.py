"""What the device's tests share: the disk's thread, ended after each test."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from pipeline.edge.disk import Disk


@pytest.fixture
def disk() -> Iterator[Disk]:
    with closing(Disk()) as one:
        yield one
