"""What a training run has to say: the table that it prints, and the model card."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Scores = Mapping[str, Mapping[str, float]]
_MEASURES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "pr_auc": "PR-AUC",
    "pr_auc a case": "PR-AUC, mean of cases",
    "evidence recall@50": "evidence recall@50",
    "unseen f1": "F1, new templates",
    "unseen pr_auc": "PR-AUC, new templates",
}


def score_table(scores: Scores) -> str:
    """Return the scores of all methods as a Markdown table, one method a row."""
    lines = ["| method | " + " | ".join(_MEASURES.values()) + " |", "|---" * (len(_MEASURES) + 1) + "|"]
    for method, measured in scores.items():
        lines.append(f"| {method} | " + " | ".join(f"{measured[name]:.3f}" for name in _MEASURES) + " |")
    return "\n".join(lines)


def lost_to_rules(scores: Scores) -> str:
    """Return in one sentence by which measures a simple rule is better than the first method, the learned one."""
    learned = {"lstm", "mlp", "lstm, no baseline", "mlp, no baseline", "learned and TF-IDF"}
    rules = {method: measured for method, measured in scores.items() if method not in learned}
    name, own = next(iter(scores.items()))
    lost = []
    for measure, title in _MEASURES.items():
        best = max(rules, key=lambda rule: rules[rule][measure])
        if rules[best][measure] > own[measure]:
            lost.append(f"{title} ({best} {rules[best][measure]:.3f})")
    return f"Better than {name} is a simple rule by: {', '.join(lost) or 'no measure'}."


def model_card(
    facts: Mapping[str, Any],
    scores: Mapping[str, Scores],
    reliability: Sequence[tuple[float, float, int]],
    tuning: Scores,
    *,
    ships: bool = True,
) -> str:
    """Return the model card in Markdown: data, labels, scores on held-back cases, and what the model is not for.

    `ships` tells the models of the package from an operator's own.
    `scores` has a table for each source of labels; `tuning` are cross-validated scores on the cases that were built on,
    empty when there are none.
    """
    held = facts.get("held back", [])
    parts = [
        "# Model card",
        "",
        "Made by `./scripts/train-model`; the figures are those of the run that made the models which ship."
        if ships
        else "Made by `openstack-rca train`; the figures are those of the run that made the models beside this page.",
        "",
        "## What it does",
        "",
        "Two networks give every log record a score from 0 to 1 for being evidence of what went wrong: an LSTM over",
        "windows of records (by request, resource or process), and an MLP over single records for logs that form no",
        "windows. Both see the 91 features of `features.md`; the LSTM also sees the template ids, and has learned on",
        "healthy logs alone which template normally follows which.",
        "",
        "## What it learned from",
        "",
        *(f"- {name}: {_plain(value)}" for name, value in facts.items() if name != "held back"),
        "",
        f"## Scores on the {len(held)} held-back cases",
        "",
        f"No model learned from these cases or was calibrated on them: {', '.join(held) or 'none'}.",
        "Evidence recall@50 is the share of cited evidence of which a line is among the first 50 when repeated lines",
        "(same template, same file) are shown once. The columns for new templates count only records whose template no",
        "training record has, so that nothing is a copy of what was learned. The mean of cases keeps a case with very",
        "many important records from speaking for all.",
        "",
        "\n\n".join(
            f"Labels: {source}\n\n{score_table(table)}\n\n{lost_to_rules(table)}" for source, table in scores.items()
        )
        or "There are none.",
    ]
    if tuning:
        parts += ["", "## Scores on the cases that were built on, cross-validated by case", ""]
        parts += [score_table(tuning), "", lost_to_rules(tuning)]
    if reliability:
        parts += [
            "",
            "## Reliability on the held-back cases",
            "",
            "| mean score | truly important | records |",
            "|---|---|---|",
        ]
        parts += [f"| {score:.2f} | {share:.2f} | {count} |" for score, share, count in reliability]
    return "\n".join([*parts, "", "## Limits", "", *(_LIMITS_OF_OURS if ships else ()), *_LIMITS]) + "\n"


_LIMITS_OF_OURS = (
    "- The cases come from one small cloud (OpenStack Zed, INFO level). Elsewhere most templates are unknown to the",
    "  vocabulary; then the order of messages is not judged, and only the features speak. Train on your own logs.",
    "- Design choices of the shipped models (sequence length, rates, averaging two networks) were made on the other",
    "  cases by cross-validation. But each run printed the held-back figures too, so the builder knew them: the",
    "  averaging was tried after they showed the windows alone behind a rule. Fresh cases are the only clean test.",
)
_LIMITS = (
    "- A record is evidence when a person cited it. Symptoms that nobody cited count as errors of the model here.",
    "- Few cases are held back, so each figure moves by several hundredths with one case more or less.",
    "- A score says that a line is worth reading, not that it is the cause.",
)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
