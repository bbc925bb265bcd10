"""What is flat and text comes out as RFC 8785 says."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from pipeline.canonical import canonical

NAMES = st.text(st.characters(max_codepoint=127), max_size=12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.dictionaries(NAMES, TEXTS, max_size=12))
def test_it_is_what_the_library_says(texts: dict[str, str]) -> None:
    assert canonical(texts) == rfc8785.dumps(texts)


@pytest.mark.parametrize("text", ["\x00\x1f\x7f", '"\\/', "\u2028\u2029", "\N{PILE OF POO}", "店舗", "é"])
def test_letters_that_others_write_otherwise(text: str) -> None:
    assert canonical({"b": text, "a": text}) == rfc8785.dumps({"a": text, "b": text})


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        canonical({"a": "\ud800"})
