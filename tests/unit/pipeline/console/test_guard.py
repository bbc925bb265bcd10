"""What the console refuses, and what it tells browsers to refuse."""

import pytest
from starlette.datastructures import Headers

from pipeline.console.guard import POLICY, same_origin


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"sec-fetch-site": "same-origin", "host": "127.0.0.1:8080"}, True),
        ({"sec-fetch-site": "cross-site", "host": "127.0.0.1:8080"}, False),
        ({"sec-fetch-site": "same-site", "host": "127.0.0.1:8080"}, False),
        ({"sec-fetch-site": "none", "host": "127.0.0.1:8080"}, False),
        ({"origin": "http://127.0.0.1:8080", "host": "127.0.0.1:8080"}, True),
        ({"origin": "http://127.0.0.1:9999", "host": "127.0.0.1:8080"}, False),
        ({"origin": "https://shop.example", "host": "127.0.0.1:8080"}, False),
        ({"origin": "null", "host": "127.0.0.1:8080"}, False),
        ({"host": "127.0.0.1:8080"}, True),
    ],
)
def test_only_our_own_page_may_change_anything(headers: dict[str, str], expected: bool) -> None:
    assert same_origin(Headers(headers)) is expected


def test_the_policy_allows_neither_inline_scripts_nor_other_hosts() -> None:
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "frame-ancestors 'none'" in POLICY
