"""The report's page: style sheet and the pieces of HTML it is made of. All text is escaped here, once."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from plotly.offline import get_plotlyjs

from twin.figures_style import CONFIG, FONT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import plotly.graph_objects as go

_STYLE = f"""
*{{box-sizing:border-box}}
body{{margin:0;background:#f3f5f7;color:#1c2733;font:16px/1.5 {FONT}}}
main{{max-width:1120px;margin:0 auto;padding:32px 20px 64px}}
h1{{font-size:30px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}}
h2{{font-size:19px;margin:0 0 4px}}
h3{{font-size:15px;margin:20px 0 4px}}
p{{margin:0 0 10px}}
.under{{color:#5a6673;margin:0 0 20px}}
.verdict{{font-size:21px;line-height:1.4;margin:0 0 20px;max-width:60em}}
.warning{{background:#fdeae6;border:2px solid #c8321e;border-left-width:12px;border-radius:8px;padding:16px 20px;
 margin:0 0 20px;font-size:18px;line-height:1.45}}
.warning strong{{display:block;color:#a32412;font-size:20px;margin-bottom:4px}}
.warning p:last-child{{margin:0}}
.note{{background:#fff6e0;border-left:6px solid #d9a22b;border-radius:6px;padding:10px 16px;margin:0 0 20px}}
.tiles{{display:grid;grid-template-columns:repeat(4,1fr);gap:16px;margin:0 0 20px}}
.tile{{background:#fff;border:1px solid #e1e6ea;border-radius:8px;padding:14px 18px}}
.tile b{{display:block;font-size:28px;line-height:1.2;letter-spacing:-.02em;white-space:nowrap}}
.tile span{{color:#5a6673;font-size:14px}}
.tile.bad b{{color:#c8321e}}
.grid{{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px}}
.card{{background:#fff;border:1px solid #e1e6ea;border-radius:8px;padding:18px 20px;min-width:0}}
.wide{{grid-column:1/-1}}
.about{{color:#5a6673;font-size:14px;margin:0 0 8px}}
table{{border-collapse:collapse;width:100%;font-size:15px;font-variant-numeric:tabular-nums}}
th,td{{text-align:left;padding:6px 12px 6px 0;border-top:1px solid #e9edf0;vertical-align:top}}
tr:first-child>*{{border-top:0}}
th{{font-weight:400}}
td:nth-child(2){{font-weight:600;white-space:nowrap}}
td:nth-child(3){{color:#5a6673}}
.facts td{{font-weight:400!important;white-space:normal!important;overflow-wrap:anywhere}}
.facts th{{color:#5a6673;width:11em}}
ul{{margin:0 0 10px;padding-left:20px}}
code{{font:13px/1.5 ui-monospace,'SFMono-Regular',Menlo,Consolas,monospace;overflow-wrap:anywhere}}
.keys{{columns:3;list-style:none;padding:0;margin:8px 0}}
@media(max-width:760px){{
 main{{padding:20px 12px 40px}}
 h1{{font-size:24px}} .verdict{{font-size:18px}}
 .tiles{{grid-template-columns:repeat(2,1fr);gap:10px}} .tile b{{font-size:22px}}
 .grid{{grid-template-columns:minmax(0,1fr)}} .keys{{columns:1}}
 td:nth-child(2){{white-space:normal}}
}}
@media print{{body{{background:#fff}} .card,.tile{{break-inside:avoid}}}}
"""


def page(title: str, body: Iterable[str]) -> str:
    """Return the whole page; `body` is HTML, `title` is text."""
    return "\n".join(
        [
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f"<script>{get_plotlyjs()}</script>",
            "</head><body><main>",
            *body,
            "</main></body></html>",
            "",
        ]
    )


def chart(name: str, figure: go.Figure) -> str:
    """Return a figure whose element is called `name`, which is the same in every report."""
    html: str = figure.to_html(include_plotlyjs=False, full_html=False, div_id=f"figure-{name}", config=CONFIG)
    return html


def card(title: str, about: str, content: str, *, wide: bool = False) -> str:
    """Return a titled box; `content` is HTML."""
    return (
        f'<section class="card{" wide" if wide else ""}"><h2>{escape(title)}</h2>'
        f'<p class="about">{escape(about)}</p>{content}</section>'
    )


def paragraph(text: str, style: str = "") -> str:
    """Return a paragraph of text."""
    return f'<p class="{style}">{escape(text)}</p>' if style else f"<p>{escape(text)}</p>"


def heading(text: str, level: int) -> str:
    """Return a heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def box(style: str, title: str, lines: Iterable[str]) -> str:
    """Return a coloured box with one paragraph for each line."""
    return f'<div class="{style}"><strong>{escape(title)}</strong>{"".join(paragraph(line) for line in lines)}</div>'


def tile(value: str, caption: str, *, bad: bool = False) -> str:
    """Return a large figure with its caption."""
    return f'<div class="tile{" bad" if bad else ""}"><b>{escape(value)}</b><span>{escape(caption)}</span></div>'


def table(rows: Iterable[Sequence[str]], style: str = "") -> str:
    """Return a table whose first column names the rows."""
    lines = (
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for name, *cells in rows
    )
    return f'<table class="{style}"><tbody>{"".join(lines)}</tbody></table>'


def bullets(lines: Iterable[str], *, keys: bool = False) -> str:
    """Return a list of sentences, or of dotted keys in columns."""
    if keys:
        return f'<ul class="keys">{"".join(f"<li><code>{escape(line)}</code></li>" for line in lines)}</ul>'
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
