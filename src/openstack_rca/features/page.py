"""The page that lists all features, made from the catalogue."""

from openstack_rca.features.catalogue import CATALOGUE

_HEAD = "| feature | type | unit | meaning | made of |"


def as_markdown() -> str:
    """Return the content of docs/features.md."""
    lines = [
        f"# The {len(CATALOGUE)} features",
        "",
        "Made by `./scripts/docs` from `src/openstack_rca/features/catalogue/`; a test fails when this page is stale.",
        "Every feature looks only at the record, those before it, and the baseline where one is given. The time since",
        "something that never happened is 3600 s. All of them reach both models, after a logarithm and scaling.",
    ]
    group = ""
    for feature in CATALOGUE:
        if feature.group != group:
            group = feature.group
            lines += ["", f"## {group.capitalize()}", "", _HEAD, "|---|---|---|---|---|"]
        made_of = ", ".join(feature.sources)
        lines.append(f"| `{feature.name}` | {feature.type} | {feature.unit} | {feature.meaning} | {made_of} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201 - the page is the output of `python -m`
