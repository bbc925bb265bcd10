"""However many refusals there are while nobody takes them down, none is lost and they take little room."""

from pipeline.vault.ledger import Kind
from pipeline.vault.refusals import AT_MOST, FURTHER, Refusals


def refusal(key_id: str, principal: str = "detecting") -> dict[str, str]:
    return {"principal": principal, "action": "lease", "reason": "purpose_incompatible", "key_id": key_id}


def test_one_is_told_as_it_is() -> None:
    refusals = Refusals()
    refusals.add(refusal("k-1"))

    (fact,) = refusals.facts()
    assert (fact.kind, fact.body) == (Kind.REFUSED, refusal("k-1"))


def test_the_same_again_is_told_once_with_how_often() -> None:
    refusals = Refusals()
    for _ in range(3):
        refusals.add(refusal("k-1"))
    refusals.add(refusal("k-2"))

    assert [fact.body.get("times") for fact in refusals.facts()] == [3, None]
    assert len(refusals) == 4


def test_r18_too_many_to_tell_apart_are_told_together_by_who_and_what() -> None:
    refusals = Refusals()
    for number in range(AT_MOST + 50):
        refusals.add(refusal(f"k-{number}"))
    refusals.add(refusal("k-0"))
    refusals.add(refusal("k-x", "recording"))

    facts = refusals.facts()
    assert len(facts) == AT_MOST + 2
    assert facts[0].body["times"] == 2
    assert facts[AT_MOST].body == {"principal": "detecting", "action": "lease", "reason": FURTHER, "times": 50}
    assert facts[AT_MOST + 1].body == {"principal": "recording", "action": "lease", "reason": FURTHER}
    assert len(refusals) == AT_MOST + 52


def test_what_was_told_is_forgotten() -> None:
    refusals = Refusals()
    refusals.add(refusal("k-1"))
    refusals.clear()

    assert not refusals.facts()
    assert len(refusals) == 0
