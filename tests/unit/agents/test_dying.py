"""A stage that ends itself quotes nobody's data."""

import pytest
from pydantic import ValidationError

from agents import dying
from pipeline.errors import Unavailable
from schemas.geometry import Point
from tests.unit.agents.twin import Died


def test_our_own_errors_are_told_in_their_words() -> None:
    assert dying.told(Unavailable("the vault is away")) == "Unavailable: the vault is away"


def test_a_validators_words_are_not_told_since_they_quote_what_it_read() -> None:
    with pytest.raises(ValidationError) as caught:
        Point.model_validate({"x": "a private thing", "y": 0})

    assert dying.told(caught.value) == "ValidationError"


def test_it_ends_the_process_and_says_where_it_happened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(status: int) -> None:
        raise Died(str(status))

    monkeypatch.setattr(dying.os, "_exit", end)  # type: ignore[attr-defined]  # os, as the module has it
    try:
        int("a private thing")
    except ValueError as error:
        with pytest.raises(Died, match="70"):
            dying.die("watching", error)

    said = capsys.readouterr()
    assert "test_dying.py" in said.err
    assert "invalid literal" not in said.err + said.out
