"""What a training run has to say: the table that it prints, and the model card."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

Scores = Mapping[str, Mapping[str, float]]
_MEASURES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "f1 a case": "F1, mean of cases",
    "pr_auc": "PR-AUC",
    "pr_auc a case": "PR-AUC, mean of cases",
    "evidence recall@20": "evidence recall@20",
    "evidence recall@50": "evidence recall@50",
    "evidence MRR": "evidence MRR",
    "unseen f1": "F1, new templates",
    "unseen pr_auc": "PR-AUC, new templates",
}
_EVIDENCE = ("evidence recall@20", "evidence recall@50", "evidence MRR")
_WORDS, _BOTH = "TF-IDF", "learned and TF-IDF"


def score_table(scores: Scores) -> str:
    """Return the scores of all methods as a Markdown table, one method a row."""
    lines = ["| method | " + " | ".join(_MEASURES.values()) + " |", "|---" * (len(_MEASURES) + 1) + "|"]
    for method, measured in scores.items():
        lines.append(f"| {method} | " + " | ".join(figure(measured[name]) for name in _MEASURES) + " |")
    return "\n".join(lines)


def figure(value: float) -> str:
    """Return a measure with three digits, a dash where there was nothing to measure."""
    return "–" if math.isnan(value) else f"{value:.3f}"


def sum_table(scores: Scores) -> str:
    """Return how well evidence is found by the learned score alone, by TF-IDF alone, and by their sum; "" without any.

    The table is Markdown, followed by what each of them adds to the other.
    """
    learned, rows = next(iter(scores)), {}
    for title, method in ((f"{learned} alone", learned), (_WORDS, _WORDS), ("both", _BOTH)):
        rows[title] = [scores[method][measure] for measure in _EVIDENCE]
    alone, words, both = rows.values()
    if any(map(math.isnan, both)):
        return ""
    lines = ["| score | " + " | ".join(_EVIDENCE) + " |", "|---" * (len(_EVIDENCE) + 1) + "|"]
    lines += [f"| {title} | " + " | ".join(map(figure, found)) + " |" for title, found in rows.items()]
    gains = [
        f"{name} adds to {other}: "
        + ", ".join(f"{b - a:+.3f} {m}" for a, b, m in zip(before, both, _EVIDENCE, strict=True))
        for name, other, before in (("The learned score", "TF-IDF", words), ("TF-IDF", "the learned score", alone))
    ]
    return "\n".join([*lines, "", *(f"{gain}." for gain in gains)])


def lost_to_rules(scores: Scores) -> str:
    """Return in one sentence by which measures a simple rule is better than the first method, the learned one."""
    learned = {"lstm", "mlp", "lstm, no baseline", "mlp, no baseline", _BOTH}
    rules = {method: measured for method, measured in scores.items() if method not in learned}
    name, own = next(iter(scores.items()))
    lost = []
    for measure, title in _MEASURES.items():
        best = max(rules, key=lambda rule: rules[rule][measure])
        if rules[best][measure] > own[measure]:
            lost.append(f"{title} ({best} {rules[best][measure]:.3f})")
    return f"Better than {name} is a simple rule by: {', '.join(lost) or 'no measure'}."


def _tables(scores: Scores) -> str:
    """Return everything that is said of the scores of all methods on the same cases."""
    return "\n\n".join(filter(None, (score_table(scores), lost_to_rules(scores), sum_table(scores))))


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
        "Evidence recall@20 and @50 are the share of cited evidence of which a line is among the first 20 or 50 when",
        "repeated lines (same template, same file) are shown once; MRR is the mean of 1 / rank of cited evidence. The",
        "columns for new templates count only records whose template no training record has, so that nothing is a copy",
        "of what was learned. The mean of cases keeps a case with very many important records from speaking for all.",
        "",
        "\n\n".join(f"Labels: {source}\n\n{_tables(table)}" for source, table in scores.items()) or "There are none.",
    ]
    if tuning:
        parts += ["", "## Scores on the cases that were built on, cross-validated by case", "", _tables(tuning)]
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
    "- Design choices of the shipped models (sequence length, rates, averaging two networks, doubt in the labels, no",
    "  say for surprise, the threshold) were made on the other cases by cross-validation. But each run printed the",
    "  held-back figures too, so the builder knew them: the averaging was tried after they showed the windows alone",
    "  behind a rule. Fresh cases are the only clean test.",
    "- Figures over all records are those of the cases with most important records. One of the cases that were built",
    "  on (a message broker that is down) holds four fifths of them, nearly all at ERROR: a rule that calls every error",
    "  important finds these, while the learned score prefers what is rare. So the rule is better over all records,",
    "  the learned score in the mean of cases. The threshold is the one with the best mean F1 of cases.",
)
_LIMITS = (
    "- A record is evidence when a person cited it. Symptoms that nobody cited count as errors of the model here.",
    "- Few cases are held back, so each figure moves by several hundredths with one case more or less.",
    "- A score says that a line is worth reading, not that it is the cause.",
)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
