"""What the driver's errors mean, and how rows are told apart."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from pipeline.errors import Misconfigured, Unavailable
from pipeline.warehouse.client import meaning


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("Network Error: Cannot connect to host 127.0.0.1"),
        DatabaseError("timed out", code=159),
        DatabaseError("too many parts", code=252),
        DatabaseError("memory limit exceeded", code=241),
        DatabaseError("query was cancelled", code=394),
    ],
)
def test_what_passes_by_itself_is_unavailable(error: DatabaseError) -> None:
    assert isinstance(meaning(error), Unavailable)


@pytest.mark.parametrize("code", [60, 81, 497, 516])
def test_what_somebody_must_set_up_says_how(code: int) -> None:
    mended = meaning(DatabaseError("no", code=code))

    assert isinstance(mended, Misconfigured)
    assert "mimamori warehouse migrate" in str(mended)


def test_what_is_our_own_mistake_stays_what_it_is() -> None:
    mistake = DatabaseError("syntax error", code=62)

    assert meaning(mistake) is mistake


def test_the_servers_text_is_not_repeated() -> None:
    assert "shibuya" not in str(meaning(DatabaseError("cannot parse 'shibuya'", code=241)))
