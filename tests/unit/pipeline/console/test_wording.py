"""R41: no text of the console accuses anybody, in any language, and every alert says how little it is."""

import pytest

from pipeline.console import places
from pipeline.console.cards import card
from pipeline.console.languages import LANGUAGES, Language
from pipeline.console.lexicon import accusing
from pipeline.console.words import TEXTS, Words
from pipeline.errors import Misconfigured
from pipeline.flow.rows import alert_row
from schemas.alert import Alert, Category, Explanation, ObservationCode
from tests.unit.pipeline.console.house import alert, estate, restricted

LIMITS: dict[Language, tuple[str, ...]] = {
    "en": ("ossible", "not evidence", "not always correct"),
    "ja": ("可能性", "証拠ではなく", "常に正しいとは限りません"),
}


@pytest.mark.parametrize(
    "text",
    [
        "Possible SHOPLIFTER at shelf B3",
        "two suspects, one thief",
        "Suspicious behaviour",
        "theft_in_progress",
        "ＴＨＥＦＴ",
        "the offender was caught stealing",
        "万引き犯の可能性",
        "不審者を検知しました",
        "怪しい動き",
        "窃盗の疑い",
        "ﾄﾞﾛﾎﾞｳ",
        "可疑人员",
        "疑似小偷",
        "可疑的盜竊行為",
        "절도 용의자",
        "수상한 사람",
        "도둑",
    ],
)
def test_r41_accusing_words_are_found_in_four_languages(text: str) -> None:
    assert accusing(text)


@pytest.mark.parametrize(
    "text",
    [
        "Possible: a person has stayed at “Shelf B3” for a long time",
        "not evidence; not always correct",
        "Restored after maintenance; recall, believe, bestow, pilot, exploit",
        "笑顔でごあいさつ。「いらっしゃいませ。何かお探しですか」",
        "防犯カメラ作動中",
        "营业时间 欢迎光临",
        "어서 오세요. 무엇을 도와드릴까요?",
    ],
)
def test_r41_ordinary_words_are_not(text: str) -> None:
    assert accusing(text) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_r41_no_text_of_the_catalogue_accuses(language: Language) -> None:
    assert {key: found for key, text in TEXTS.items() if (found := accusing(getattr(text, language)))} == {}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", [alert(1), restricted(2)], ids=["long stay", "area not open"])
def test_r41_a_card_says_possible_not_evidence_and_not_always_correct(which: Alert, language: Language) -> None:
    shown = card(alert_row(which), None, estate(), Words(language))

    assert all(text in shown.caveat for text in LIMITS[language])
    assert LIMITS[language][0] in shown.seen
    assert accusing(shown.model_dump_json()) == ()


def test_r41_a_card_has_no_picture_and_nothing_that_finds_one() -> None:
    fields = set(card(alert_row(alert()), None, estate(), Words("en")).model_dump())

    assert not {"frame_refs", "bounding_box", "image", "thumbnail", "track_id", "url"} & fields


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_that_an_alert_may_carry_has_words(language: Language) -> None:
    words = Words(language)

    assert all(words(f"category.{each.value}") for each in Category)
    assert all(words(f"observation.{each.value}", place="x") for each in ObservationCode)
    assert all(words(f"explanation.{each.value}") for each in Explanation)


def test_r41_a_zone_whose_name_accuses_is_refused() -> None:
    house = estate().model_dump()
    house["stores"][0]["cameras"][1]["zones"][0]["name"] = "万引き多発エリア"

    with pytest.raises(Misconfigured, match="万引"):
        places.refuse_accusing_names(type(estate()).model_validate(house))


def test_r41_this_house_names_nobody() -> None:
    places.refuse_accusing_names(estate())

    assert {word for name in places.names(estate()) for word in accusing(name)} == set()
