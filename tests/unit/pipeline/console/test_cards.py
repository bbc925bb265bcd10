"""An alert as a card."""

from datetime import timedelta

from pipeline.console.cards import card, rarity, usefulness
from pipeline.console.words import Words
from pipeline.flow.rows import alert_row
from schemas.alert import Rarity
from tests.unit.pipeline.console.house import NOON, alert, estate, restricted

EN, JA = Words("en"), Words("ja")


def test_r40_a_card_opens_with_the_courteous_procedure() -> None:
    shown = card(alert_row(alert()), None, estate(), EN)

    assert list(shown.model_dump())[:2] == ["alert_id", "procedure"]
    assert len(shown.procedure) == 3
    assert "Hello, may I help you" in shown.procedure[0]


def test_r42_the_procedure_asks_for_a_second_trained_colleague_and_leaves_the_decision_to_people() -> None:
    *_, last = card(alert_row(alert()), None, estate(), EN).procedure

    assert "second trained colleague" in last
    assert "People decide" in last


def test_a_card_says_what_where_and_when_in_the_stores_time() -> None:
    shown = card(alert_row(alert()), None, estate(), EN)

    assert shown.seen == "Possible: a person has stayed at “棚 B3 Shelf B3” for a long time"
    assert (shown.store, shown.place, shown.camera) == ("銀座店 Ginza", "棚 B3 Shelf B3", "化粧品 Cosmetics")
    assert (shown.time, shown.span) == ("14:40:00", "14:35:50 – 14:40:00")


def test_a_card_shows_the_numbers_that_people_can_read_and_the_score() -> None:
    shown = card(alert_row(alert(numbers={"seconds": 250.0, "internal_weight": 3.0})), None, estate(), EN)

    assert shown.numbers == ("stayed 4 min 10 s", "score 5.59 (threshold 4.60)")


def test_rarity_is_said_with_its_n() -> None:
    assert rarity(alert_row(alert()), EN) == "1 in 268 visits here at this hour, n=2,140"
    assert rarity(alert_row(alert()), JA) == "この場所・この時間帯の来店 268 回に 1 回ほど(n=2,140)"


def test_what_happens_every_day_is_said_to() -> None:
    assert rarity(alert_row(alert(rarity=Rarity(one_in=1.0, n=40))), EN) == "Nothing unusual here at this hour, n=40"


def test_without_enough_visits_no_rarity_is_pretended() -> None:
    assert rarity(alert_row(restricted(1)), EN) == "Not enough visits yet"


def test_usefulness_is_said_with_its_interval_and_n_or_not_at_all() -> None:
    assert usefulness(alert_row(alert()), EN) == "Of 100 like this, about 62 were found worth a look (50%–73%, n=81)"
    assert usefulness(alert_row(restricted(1)), EN) == "No reviews yet"


def test_a_card_says_when_its_procedure_was_read() -> None:
    shown = card(alert_row(alert()), NOON + timedelta(minutes=1), estate(), EN)

    assert shown.acknowledged == "Procedure read at 14:41"


def test_places_that_left_the_estate_are_shown_by_their_ids() -> None:
    shown = card(alert_row(alert(store_id="kyoto", zone_id="old")), None, estate(), EN)

    assert (shown.store, shown.place, shown.time) == ("kyoto", "old", "05:40:00")
