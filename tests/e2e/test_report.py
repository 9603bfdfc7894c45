"""A report is one HTML file that asks for nothing else and tells what the models hold, whatever is in their texts."""

import html.parser
import json
import re

import pytest

CONFIG = """
name: "shop <&>"
data_dir: data
sources: { orders: { file: { path: "in.jsonl" }, topic: orders } }
tables: { silver.orders: { from: orders, columns: { id: long, kind: string, amount: double, day: date } } }
models: models
"""
HOSTILE = '</td><script>alert("x")</script><img src="http://evil.example/x.png">'
MODELS = {
    "gold/by_day.sql": "/* ---\ndescription: What came in <b>each</b> day.\nexpect:\n  - amount > 100: warn\n  - rows: {min: 1}\n--- */\n"
                       "SELECT day, sum(amount) AS amount FROM silver.orders GROUP BY ALL ORDER BY day\n",
    "gold/by_kind.sql": "SELECT kind, count(*) AS orders FROM silver.orders GROUP BY ALL ORDER BY kind\n",
    "gold/big.sql": "-- ---\n-- materialized: view\n-- ---\nSELECT id, kind, amount FROM silver.orders WHERE amount > 50\n",
    "gold/later.sql": "-- ---\n-- schedule: manual\n-- ---\nSELECT 1 AS one\n",
}


class Page(html.parser.HTMLParser):
    """Every element, its attributes and the text in it; tables as rows of texts."""

    VOID = {"meta", "img", "br", "link", "input"}

    def __init__(self, text):
        super().__init__()
        self.elements, self.tables, self.texts, self.open, self.titles = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append(text)
        if self.open and self.open[-1] == "title" and "svg" in self.open:
            self.titles.append(text)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += text


@pytest.fixture
def shop(millrace):
    millrace.write("millrace.yaml", CONFIG)
    for name, text in MODELS.items():
        millrace.write("models/" + name, text)
    kinds = ["plain", HOSTILE, "a\u0001b", None]
    rows = [{"id": i, "kind": kinds[i % 4], "amount": i * 1.5, "day": f"2026-01-{1 + i // 4:02}"} for i in range(80)]
    millrace.write("in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    millrace.run("run", "--until-idle")
    return millrace


def test_a_report_holds_the_models_and_asks_for_nothing(shop):
    shop.run("report", "--all", "--to", "report.html", "--rows", "5")
    text = (shop.folder / "report.html").read_text("utf-8")
    page = Page(text)

    # Nothing comes from elsewhere, and nothing of the data became part of the page.
    kinds = {tag for tag, _ in page.elements}
    assert not kinds & {"script", "link", "iframe", "object", "embed", "form", "base", "b", "use", "foreignobject"}
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "srcset", "data", "action", "xlink:href", "style", "poster", "background"):
                assert value.startswith(("#m", "data:image/svg+xml,")), (tag, name, value[:80])
    style = re.search(r"<style>(.*?)</style>", text, re.S)[1]
    assert "url(" not in style and "@import" not in style and "@media print" in style and "prefers-color-scheme:dark" in style
    policy = [a["content"] for tag, a in page.elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert "\u0001" not in text

    told = "".join(page.texts)
    assert "cannot be read" not in told
    assert "shop <&>" in told and "What came in <b>each</b> day." in told
    overview = {row[0]: row for row in page.tables[0][1:]}
    assert {name: row[1] for name, row in overview.items()} == {"gold.by_day": "20", "gold.by_kind": "4", "gold.big": "46", "gold.later": "–"}
    assert overview["gold.by_day"][3] == "built" and overview["gold.by_day"][4] == "1 of 2 broken"
    assert overview["gold.later"][2] == "not built yet" and "it has not been built yet" in told

    tables = {tuple(table[0]): table[1:] for table in page.tables[1:]}
    assert tables["day", "amount"] == [[f"2026-01-0{d + 1}", f"{sum((4 * d + k) * 1.5 for k in range(4)):.1f}"] for d in range(5)]
    by_kind = {row[0]: row[1] for row in tables["kind", "orders"]}
    assert by_kind == {"plain": "20", HOSTILE: "20", "a\ufffdb": "20", "null": "20"}
    expectations = next(rows for names, rows in tables.items() if names[0] == "Expectation")
    assert {row[0]: row[2] for row in expectations}["amount > 100"] == "broken"
    assert any(names[0] == "Began" and rows[0][1] == "built" for names, rows in tables.items())

    # The charts: a line of all days, bars of all kinds, each number told.
    assert [title for title in page.titles if title.startswith("2026-01-20: ")] == ["2026-01-20: 465"]
    assert sum(title.startswith("2026-01-") for title in page.titles) == 20
    assert f"{HOSTILE}: 20" in page.titles
    assert sum(tag == "rect" for tag, _ in page.elements) >= 4 and "amount by day" in told and "orders by kind" in told


def test_what_is_asked_for_and_what_is_refused(shop):
    shop.run("report", "--models", "gold.by_kind,gold.big", "--to", "two.html")
    page = Page((shop.folder / "two.html").read_text("utf-8"))
    assert [row[0] for row in page.tables[0][1:]] == ["gold.big", "gold.by_kind"]
    assert "is there already" in shop.run("report", "--to", "two.html", expect=64).stderr
    shop.run("report", "--to", "two.html", "--overwrite")
    assert len(Page((shop.folder / "two.html").read_text("utf-8")).tables[0]) == 5
    assert "gold.by_kind" in shop.run("report", "--models", "gold.by_kin", "--to", "x.html", expect=64).stderr
    assert "folder" in shop.run("report", "--to", "x/", expect=64).stderr
    shop.run("report", "--all", "--models", "gold.big", "--to", "x.html", expect=64)
    assert not (shop.folder / "x.html").exists()
