"""How statements put names, hosts and numbers."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """Return two names and more in a row: "nova-api, glance-api and keystone"."""
    return f"{', '.join(names[:-1])} and {names[-1]}"


def on(host: str | None) -> str:
    """Return " on ctl-1", to stand behind the name of a program; nothing where the host is not known."""
    return f" on {host}" if host else ""


def counted(number: int, noun: str) -> str:
    """Return "1 time" or "3 times"."""
    return f"{number} {noun}{'s' * (number > 1)}"
