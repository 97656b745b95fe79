"""Report → Markdown; every text of the logs stands in it as text, never as markup."""

import re

from openstack_rca.parsing import message_of
from openstack_rca.records import Report
from openstack_rca.reporting.blocks import Block, Bullets, Commands, Fields, Grid, Paragraph, Proof
from openstack_rca.reporting.outline import outline
from openstack_rca.reporting.plain import plain

_MARKUP = re.compile(r"([\\`*_\[\]<>&|#~@$!])")
_LINK = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp):|\bwww\.")
_START = re.compile(r"^(?:[-+=]|\d+(?=[.)](?: |$)))")


def report_to_markdown(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    parts = ["# OpenStack root cause analysis"]
    for section in outline(report):
        parts.append(f"## {escaped(section.title)}")
        parts += [_drawn(block) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return text so that Markdown shows it as it is, on one line: no emphasis, link, image, HTML or table cell."""
    text = _MARKUP.sub(r"\\\1", plain(text))
    text = _LINK.sub(lambda link: f"{link[0][:-1]}\\{link[0][-1]}", text)
    return _START.sub(lambda start: f"\\{start[0]}" if not start[0].isdigit() else f"{start[0]}\\", text)


def code(text: str) -> str:
    """Return text as one line of inline code, whatever backticks it holds."""
    return _fenced(plain(text), "`", " ")


def code_block(text: str) -> str:
    """Return text as a fenced code block of one line."""
    return _fenced(plain(text), "```", "\n")


def _fenced(text: str, fence: str, gap: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(len(fence), longest + 1)
    return f"{fence}{gap}{text}{gap}{fence}"


def _drawn(block: Block) -> str:
    match block:
        case Paragraph():
            return f"**{escaped(block.text)}**" if block.tone in ("strong", "alarm") else escaped(block.text)
        case Fields():
            return "\n".join(f"- **{escaped(name)}:** {escaped(value)}" for name, value in block.rows)
        case Bullets():
            return "\n".join(f"- {escaped(item)}" for item in block.items)
        case Commands():
            return "\n\n".join(_command(*check) for check in block.checks)
        case Proof():
            return _proof(block)
        case Grid():
            return _grid(block)
    raise TypeError(block)


def _command(command: str, meaning: str) -> str:
    return f"{code_block(command)}\n\n{escaped(meaning)}".rstrip()


def _proof(proof: Proof) -> str:
    head = f"**{escaped(proof.id)}** {code(proof.place)} · {escaped(proof.time)} · {escaped(proof.level)} · "
    return f"{head}{escaped(proof.source)}\n\n{code_block(message_of(proof.text))}\n\n{escaped(proof.remark)}".rstrip()


def _grid(grid: Grid) -> str:
    rule = ["---:" if number in grid.numbers else "---" for number in range(len(grid.columns))]
    rows = [[escaped(name) for name in grid.columns], rule, *([escaped(cell) for cell in row] for row in grid.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
