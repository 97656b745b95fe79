"""Report → one HTML file that needs nothing else: no script, no font, no request to anywhere."""

import html
from collections.abc import Sequence

from openstack_rca.parsing import message_of
from openstack_rca.records import Report, Story
from openstack_rca.reporting.blocks import Block, Bullets, Commands, Fields, Grid, Paragraph, Proof, Section
from openstack_rca.reporting.context import Context
from openstack_rca.reporting.graph import graph_figure
from openstack_rca.reporting.outline import outline
from openstack_rca.reporting.picture import incident_figure
from openstack_rca.reporting.plain import plain, short_line
from openstack_rca.reporting.svg import svg

_STYLE = """
:root { color-scheme: light dark; --red: #c22f2f; --amber: #a86400; --soft: #8883; }
@media (prefers-color-scheme: dark) { :root { --red: #ff7b72; --amber: #e3a04f; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.1rem; font-weight: 500; opacity: .7; margin: 0; }
h2 { font-size: 1.15rem; border-bottom: 1px solid var(--soft); margin: 2.2rem 0 .8rem; padding-bottom: .2rem; }
section:first-of-type h2 { border: 0; margin-top: .6rem; }
section:first-of-type .strong { font-size: 1.35rem; line-height: 1.35; margin: .2rem 0 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: .4rem 0 1rem; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
pre { font: 12.5px/1.5 ui-monospace, monospace; margin: .4rem 0; background: #8881; padding: .6rem .8rem;
  white-space: pre-wrap; overflow-wrap: anywhere; border-radius: .3rem; }
code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid var(--soft); }
th { font-weight: 600; } td { overflow-wrap: anywhere; } 
td:not(:last-child) { white-space: nowrap; overflow-wrap: normal; }
.wide td:last-child { min-width: 20rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.strong { font-weight: 600; } .alarm { font-weight: 600; border-left: .3rem solid var(--amber); padding-left: .6rem; }
.proof { margin: 1.2rem 0; break-inside: avoid; } .proof p { margin: .2rem 0; }
.proof .around { opacity: .6; }
.proof .cited { display: block; border-left: .25rem solid var(--red); padding-left: .5rem; }
.ERROR, .CRITICAL { color: var(--red); font-weight: 600; } .WARNING { color: var(--amber); font-weight: 600; }
figure { margin: 1rem 0 1.4rem; overflow-x: auto; }
.picture { width: 100%; min-width: 40rem; height: auto; font: 12px system-ui, sans-serif; } .picture text { fill: currentColor; }
.picture .lane { stroke: #8884; } .picture .note { fill: var(--red); font-weight: 600; } .caption { opacity: .7; }
@media print {
  body { max-width: none; margin: 0; font-size: 10.5pt; } pre { font-size: 8.5pt; } table { font-size: 9pt; }
  h2 { break-after: avoid; } td:not(:last-child) { white-space: normal; }
  tr, figure, dl { break-inside: avoid; } * { print-color-adjust: exact; }
}
@page { margin: 16mm 14mm; }
"""
_CAPTIONS = (
    "Each mark is a line of the evidence; rest the pointer on it to read the line.",
    "Who needs whom, as far as it took part: the cause at the right, who suffers from it to the left.",
)


def report_to_html(report: Report, context: Context | None = None, stories: Sequence[Story] = ()) -> str:
    """Return the report as a self-contained page; the page's own policy forbids scripts and requests.

    `context` gives the lines around those cited, by evidence id; `stories` the way of the failing request.
    """
    parts = [_section(section, context or {}) for section in outline(report)]
    parts.insert(1, _pictures(report, stories))  # after the verdict: in an outage people look before they read
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>OpenStack root cause analysis</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>OpenStack root cause analysis</h1>\n{body}\n</body>\n</html>\n"
    )


def _pictures(report: Report, stories: Sequence[Story]) -> str:
    """Return the pictures of an incident as a section of the page; empty when there is nothing to draw."""
    drawn = [
        svg(incident_figure(report, stories or report.stories), "The incident: services over time"),
        svg(graph_figure(report), "Who needs whom, and how the fault went through them"),
    ]
    figures = [
        f'<figure>{picture}<figcaption class="caption">{_text(caption)}</figcaption></figure>\n'
        for picture, caption in zip(drawn, _CAPTIONS, strict=True)
        if picture
    ]
    return f"<section>\n<h2>The incident in a picture</h2>\n{''.join(figures)}</section>" if figures else ""


def _section(section: Section, context: Context) -> str:
    blocks = (_proof(b, context.get(b.id, ())) if isinstance(b, Proof) else _drawn(b) for b in section.blocks)
    return f"<section>\n<h2>{_text(section.title)}</h2>\n{''.join(blocks)}</section>"


def _text(text: str) -> str:
    return html.escape(plain(text))


def _tag(name: str, text: str, of_class: str = "") -> str:
    marked = f' class="{html.escape(of_class)}"' if of_class else ""
    return f"<{name}{marked}>{_text(text)}</{name}>"


def _drawn(block: Block) -> str:
    match block:
        case Paragraph():
            return _tag("p", block.text, block.tone) + "\n"
        case Fields():
            return f"<dl>{''.join(_tag('dt', name) + _tag('dd', value) for name, value in block.rows)}</dl>\n"
        case Bullets():
            return f"<ul>{''.join(_tag('li', item) for item in block.items)}</ul>\n"
        case Commands():
            return "".join(
                _tag("pre", command) + (_tag("p", meaning) if meaning else "") for command, meaning in block.checks
            )
        case Grid():
            return _grid(block)
    raise TypeError(block)


def _proof(proof: Proof, around: Sequence[tuple[int, str]]) -> str:
    head = f"{_tag('b', proof.id)} {_tag('code', proof.place)} · {_text(proof.time)} · "
    level = _tag("span", proof.level, proof.level)
    cited = int(proof.place.rpartition(":")[2])
    said = message_of(proof.text)
    raw = "" if said == proof.text else f'<span class="around">{_text(proof.text)}</span>\n'
    shown = "".join(
        f'<span class="cited">{_text(said)}</span>{raw}'
        if number == cited
        else f'<span class="around">{number} {_text(short_line(message_of(line), 110))}</span>\n'
        for number, line in around or [(cited, "")]
    )
    return (
        f'<div class="proof" id="{html.escape(plain(proof.id))}"><p>{head}{level} · {_text(proof.source)}</p>'
        f"<pre>{shown}</pre>{_tag('p', proof.remark) if proof.remark else ''}</div>\n"
    )


def _grid(grid: Grid) -> str:
    def row(tag: str, cells: tuple[str, ...]) -> str:
        drawn = (_tag(tag, cell, "number" if number in grid.numbers else "") for number, cell in enumerate(cells))
        return f"<tr>{''.join(drawn)}</tr>\n"

    wide = ' class="wide"' if grid.last_below else ""
    return f"<table{wide}>\n{row('th', grid.columns)}{''.join(row('td', cells) for cells in grid.rows)}</table>\n"
