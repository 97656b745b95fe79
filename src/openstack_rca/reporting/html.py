"""Report → one HTML file that needs nothing else: no script, no font, no request to anywhere."""

import html

from openstack_rca.records import Report
from openstack_rca.reporting.blocks import Block, Bullets, Commands, Fields, Grid, Paragraph, Proof
from openstack_rca.reporting.outline import outline
from openstack_rca.reporting.plain import plain

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-bottom: 1px solid #8886; margin-top: 2.2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .4rem 0 1rem; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
pre { background: #8882; padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: .3rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem; border-bottom: 1px solid #8884; }
td { overflow-wrap: anywhere; } .number { text-align: right; }
.strong { font-weight: 600; } .alarm { font-weight: 600; border-left: .3rem solid #d80; padding-left: .6rem; }
.proof { margin: 1rem 0; } .proof p { margin: .2rem 0; } .ERROR, .CRITICAL { color: #d33; } .WARNING { color: #b70; }
"""


def report_to_html(report: Report) -> str:
    """Return the report as a self-contained page; the page's own policy forbids scripts and requests."""
    body = "\n".join(
        f"<section>\n<h2>{_text(section.title)}</h2>\n{''.join(map(_drawn, section.blocks))}</section>"
        for section in outline(report)
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>OpenStack root cause analysis</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>OpenStack root cause analysis</h1>\n{body}\n</body>\n</html>\n"
    )


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
        case Proof():
            return _proof(block)
        case Grid():
            return _grid(block)
    raise TypeError(block)


def _proof(proof: Proof) -> str:
    head = f"{_tag('b', proof.id)} {_tag('code', proof.place)} · {_text(proof.time)} · "
    level = _tag("span", proof.level, proof.level)
    why = proof.why + (f" (scores: {proof.scores})" if proof.scores else "")
    return (
        f'<div class="proof" id="{html.escape(plain(proof.id))}"><p>{head}{level} · {_text(proof.source)}</p>'
        f"{_tag('pre', proof.text)}{_tag('p', why)}</div>\n"
    )


def _grid(grid: Grid) -> str:
    def row(tag: str, cells: tuple[str, ...]) -> str:
        drawn = (_tag(tag, cell, "number" if number in grid.numbers else "") for number, cell in enumerate(cells))
        return f"<tr>{''.join(drawn)}</tr>\n"

    return f"<table>\n{row('th', grid.columns)}{''.join(row('td', cells) for cells in grid.rows)}</table>\n"
