"""Formatting tags are left out of what is shown; code and comparisons are not."""

from __future__ import annotations

import pytest

from assistant.markup import without_tags


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("un <u>mot</u> souligné", "un mot souligné"),
        ('<span style="color:red">rouge</span>', "rouge"),
        ("une ligne<br>une autre", "une ligne une autre"),
        ("`<u>` souligne <b>ceci</b>", "`<u>` souligne ceci"),
        ("si a < b et b > c", "si a < b et b > c"),
        ("vector<int> v", "vector<int> v"),
        ("<script>x</script>", "<script>x</script>"),
    ],
)
def test_tags(text: str, shown: str) -> None:
    assert without_tags(text) == shown
