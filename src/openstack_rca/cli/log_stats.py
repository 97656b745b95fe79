"""The account of a reading: what was recognised and what was skipped, by file and format."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from openstack_rca.records import FileSummary, Logs
from openstack_rca.reporting.plain import amount_skipped, counted, plain, safe_json

_OTHER_KINDS = (".yaml", ".yml", ".csv", ".md", ".rst", ".html", ".xml", ".ini", ".conf", ".toml", ".py", ".sh", ".pem")


def show_stats(logs: Logs, form: str) -> None:
    """Write the account to standard output, as table or json."""
    stats = account(logs)
    if form == "json":
        sys.stdout.write(safe_json(json.dumps(stats, indent=2, ensure_ascii=False)) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(stats))


def account(logs: Logs) -> dict[str, Any]:
    """Return the counts by file, by format and in total, and all that was skipped.

    `typed` are the lines that belong to a record of a known format, its first line or one joined to it; their share is
    of the lines of log files. Files in which nothing was recognised and whose names say that they are something else
    (YAML, CSV, documents) are counted apart.
    """
    formats: Counter[str] = Counter()
    for file in logs.files:
        formats.update(file.formats)
    typed, lines, records = formats.total(), logs.lines, sum(file.records for file in logs.files)
    others = [file for file in logs.files if _is_no_log(file)]
    log_lines = lines - sum(file.lines for file in others)
    return {
        "files": [_of_file(file) for file in logs.files],
        "skipped": [{"file": s.file, "reason": s.reason, "lines": s.lines} for s in logs.skipped],
        "formats": dict(formats.most_common()),
        "total": {
            "files": len(logs.files),
            "lines": lines,
            "records": records,
            "joined": typed - records,
            "typed": typed,
            "typed_share": typed / log_lines if log_lines else 0.0,
            "other_files": len(others),
            "other_lines": lines - log_lines,
        },
    }


def _is_no_log(file: FileSummary) -> bool:
    return not file.records and file.file.lower().endswith(_OTHER_KINDS)


def _of_file(file: FileSummary) -> dict[str, Any]:
    typed = sum(file.formats.values())
    return {
        "file": file.file,
        "lines": file.lines,
        "records": file.records,
        "joined": typed - file.records,
        "untyped": file.lines - typed,
        "zone": file.zone,
        "formats": dict(file.formats),
    }


def _lines(stats: dict[str, Any]) -> Iterator[str]:
    """Yield the account as lines to read, numbers in front so that long names do no harm, totals last."""
    yield f"{'lines':>10} {'records':>10} {'joined':>9} {'untyped':>8}  file (formats; zone)"
    for file in stats["files"]:
        numbers = f"{file['lines']:>10,} {file['records']:>10,} {file['joined']:>9,} {file['untyped']:>8,}"
        about = "; ".join(part for part in (", ".join(file["formats"]), file["zone"]) if part)
        yield f"{numbers}  {plain(file['file'])} ({plain(about) or 'nothing recognised'})"
    if stats["skipped"]:
        yield ""
        yield f"{'skipped':>10}  reason, file"
    names = {file["file"] for file in stats["files"] if file["lines"]}
    for skipped in stats["skipped"]:
        lines = amount_skipped(skipped["lines"], read=skipped["file"] in names)
        yield f"{lines:>10}  {plain(skipped['reason'])}: {plain(skipped['file'])}"
    if stats["formats"]:
        yield ""
        yield f"{'lines':>10}  format"
    for name, lines in stats["formats"].items():
        yield f"{lines:>10,}  {name}"
    total = stats["total"]
    yield ""
    read = f"{counted(total['lines'], 'line')} in {counted(total['files'], 'file')}"
    made = f"{counted(total['records'], 'record')} with {counted(total['joined'], 'joined line')}"
    yield f"{read}: {made}."
    if total["other_files"]:
        yield f"Left out as no logs: {counted(total['other_files'], 'file')}, {counted(total['other_lines'], 'line')}."
    share = _percent(total["typed"], total["lines"] - total["other_lines"])
    yield f"{share} of all log lines belong to a typed record."


def _percent(part: int, whole: int) -> str:
    """Return a share in percent, rounded down, so that 100 % means all."""
    return f"{part * 10_000 // whole / 100:.2f} %" if whole else "0 %"
