"""The page around the content: what it embeds, and how often."""

import json
import re

import altair
import pytest

from transliconet.report.html import chart, document, section

ROWS = [{"script": "Greek </script>", "score": 12.5}, {"script": "Hebrew", "score": 80.0}]
BARS = altair.Chart(altair.Data(values=ROWS)).mark_bar().encode(x="score:Q", y="script:N")


def specification(html: str) -> dict:
    found = re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_a_chart_is_its_specification_with_a_name() -> None:
    html = chart('Scores & "more"', BARS, "of <two> scripts")
    spec = specification(html)
    assert spec["data"]["values"] == ROWS
    assert spec["description"] == 'Scores & "more"'
    assert spec["width"] == "container"
    assert "$schema" not in spec  # no address, and no complaint about another version
    assert 'aria-label="Scores &amp; &quot;more&quot;" tabindex="0"' in html
    assert "<figcaption>of &lt;two&gt; scripts</figcaption>" in html
    assert html.count("</script>") == 1


@pytest.mark.parametrize(
    "parts", [BARS | BARS, BARS & BARS, BARS.encode(column="script:N"), BARS.facet("script:N")]
)
def test_charts_of_several_parts_keep_their_widths(parts: altair.TopLevelMixin) -> None:
    assert "width" not in specification(chart("parts", parts))


def test_more_rows_than_altair_allows() -> None:
    rows = [{"x": number} for number in range(5001)]
    chart("dots", altair.Chart(altair.Data(values=rows)).mark_point().encode(x="x:Q"))


def test_vega_is_embedded_once_and_only_for_charts() -> None:
    plain = document("plain", [section("text", "<p>text</p>")])
    figure = section("figure", chart("bars", BARS))
    one, two = document("one", [figure]), document("two", [figure, figure])
    assert len(plain) < 10_000
    assert 500_000 < len(one) < 2_000_000
    assert 0 < len(two) - len(one) < 5_000
    assert "default-src 'none'" in plain
