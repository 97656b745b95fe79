"""Report → text for a terminal: nothing is wider than asked for, but commands, which stay whole to be copied."""

from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from openstack_rca.parsing import message_of
from openstack_rca.records import Report
from openstack_rca.reporting.blocks import Block, Bullets, Commands, Fields, Grid, Paragraph, Proof
from openstack_rca.reporting.outline import outline, reminder
from openstack_rca.reporting.plain import plain, short_line

MAX_ROWS = 25
MAX_STACKED = 10
"""Rows that the terminal gets of a table, and of one with several lines a row; the other forms hold all."""

_TONES = {"strong": "bold", "alarm": "bold yellow"}
_LEVELS = {"CRITICAL": "bold red", "ERROR": "red", "WARNING": "yellow"}
_INDENT = 2
_MIN_WIDTH = 40
_PROOF_LINES = 4


def report_to_text(report: Report, width: int = 80, colour: bool = False) -> str:
    """Return the report as text of `width` columns, with colour codes if asked for."""
    out = StringIO()
    width = max(width, _MIN_WIDTH)
    console = Console(
        file=out,
        width=width,
        color_system="standard" if colour else None,
        force_terminal=colour,
        markup=False,
        emoji=False,
        highlight=False,
    )
    for section in outline(report):
        console.print(Text(f"── {section.title} ".ljust(width, "─"), "bold cyan"))
        for number, block in enumerate(section.blocks):
            if number and isinstance(block, Paragraph | Proof | Grid):
                console.print()
            _print(console, block, width)
        console.print()
    console.print(_text(reminder(report)), style="bold")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _print(console: Console, block: Block, width: int) -> None:
    if isinstance(block, Commands):
        _print_commands(console, block)
        return
    console.print(Padding(_drawn(block, width), (0, 0, 0, _INDENT)))


def _drawn(block: Block, width: int) -> RenderableType:
    match block:
        case Paragraph():
            return _text(block.text, _TONES.get(block.tone, ""))
        case Fields():
            return _hanging([(_text(name, "dim"), _text(value)) for name, value in block.rows])
        case Bullets():
            return _hanging([(_text("•"), _text(item)) for item in block.items])
        case Proof():
            return _proof(block, width)
        case Grid():
            return _stacked(block) if block.last_below else _grid(block)
    raise TypeError(block)


def _print_commands(console: Console, block: Commands) -> None:
    """Print commands unwrapped, so that a copied line is the whole command."""
    for command, meaning in block.checks:
        console.print(Text(" " * 4 + plain(command), "bold"), soft_wrap=True)
        if meaning:
            console.print(Padding(_hanging([(_text("→"), _text(meaning))]), (0, 0, 0, 6)))


def _proof(proof: Proof, width: int) -> RenderableType:
    head = Text(" · ").join(
        [
            _text(proof.place, "bold"),
            _text(proof.time),
            _text(proof.level, _LEVELS.get(proof.level, "")),
            _text(proof.source),
        ]
    )
    rows = [
        (_text(proof.id, "bold"), head),
        (_text(""), Text(short_line(message_of(proof.text), _PROOF_LINES * (width - 8)))),
    ]
    if proof.remark:
        rows.append((_text(""), _text(f"→ {proof.remark}", "dim")))
    return _hanging(rows)


def _hanging(rows: list[tuple[Text, Text]]) -> Table:
    """Return labels with their texts, whose further lines are indented as their first."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _grid(grid: Grid) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    for number, name in enumerate(grid.columns):
        table.add_column(overflow="fold", justify="right" if number in grid.numbers else "left", no_wrap=name == "Time")
    table.add_row(*(_text(name, "dim") for name in grid.columns))
    for row in grid.rows[:MAX_ROWS]:
        table.add_row(*(_text(cell) for cell in row))
    if len(grid.rows) <= MAX_ROWS:
        return table
    return Group(table, _more(grid, MAX_ROWS))


def _stacked(grid: Grid) -> Table:
    """Return a table whose last column stands below the others."""
    table = Table.grid()
    table.add_column(overflow="fold")
    for *cells, last in grid.rows[:MAX_STACKED]:
        table.add_row(Text(" · ").join(_text(cell, "bold" if not i else "") for i, cell in enumerate(cells)))
        table.add_row(Padding(_text(last), (0, 0, 0, 2)))
    if len(grid.rows) > MAX_STACKED:
        table.add_row(_more(grid, MAX_STACKED))
    return table


def _more(grid: Grid, shown: int) -> Text:
    return _text(f"… {len(grid.rows) - shown:,} more (--format md, html or json shows all)", "dim")


def _text(text: str, style: str = "") -> Text:
    return Text(plain(text), style)
