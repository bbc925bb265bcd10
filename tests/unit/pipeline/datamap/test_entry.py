"""An entry of the data map says all that R11 asks for, or is none."""

from datetime import timedelta

import pytest

from pipeline.datamap.entry import Kind, entry, unregistered
from pipeline.errors import Misconfigured
from schemas.envelope import DataClass

WHOLE = {
    "place": "files/some", "kind": Kind.FILES, "items": "counts", "scope": "console", "purpose": "operation",
    "responsible": "store manager", "data_class": DataClass.OPERATIONAL, "lives": timedelta(days=1),
    "erased": "by hand", "bound": "a day or so", "files": ("*some/*.txt",),
}  # fmt: skip


@pytest.mark.parametrize("field", sorted(WHOLE.keys() - {"files"}))
@pytest.mark.parametrize("value", [None, "", "  "])
def test_r11_an_entry_that_does_not_say_all_is_refused(field: str, value: str | None) -> None:
    fields = {**WHOLE, field: value} if value is not None else {k: v for k, v in WHOLE.items() if k != field}

    with pytest.raises(Misconfigured, match=rf"lacks: {field} \(R11\)"):
        entry(**fields)


def test_r20_nothing_lives_for_no_time() -> None:
    with pytest.raises(Misconfigured, match="lives"):
        entry(**WHOLE | {"lives": timedelta(0)})


def test_r11_a_file_in_no_registered_place_is_found() -> None:
    some = entry(**WHOLE)

    assert unregistered(["run/some/a.txt", "some/b/c.txt", "some/a.bin", "other.txt"], [some]) == [
        "some/a.bin",
        "other.txt",
    ]
