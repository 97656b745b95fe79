"""What would be sent, as a text to read."""

import json

from openstack_rca.diagnosis.claude.client import PUBLIC, Request
from openstack_rca.settings import Settings


def shown(request: Request, tokens: int, hidden: int, settings: Settings) -> str:
    """Return every text of a request as it would be sent, then its other fields, under a heading with its size."""
    llm = settings.llm
    body = request.body(llm)
    size = len(json.dumps(body, ensure_ascii=False).encode())
    most = (tokens * llm.dollars_per_million_input + llm.max_output_tokens * llm.dollars_per_million_output) / 1e6
    redaction = f"{hidden} different values are hidden" if llm.redact else "redaction is switched off"
    heading = (
        f"Nothing was sent. This would go to {settings.anthropic_base_url or PUBLIC}: {size:,} bytes, at most "
        f"{tokens:,} tokens, and at most {llm.max_output_tokens:,} tokens back (${most:.3f} at most); {redaction}."
    )
    texts = [("system", b["text"]) for b in body["system"]]
    texts += [(m["role"], block["text"]) for m in body["messages"] for block in m["content"]]
    rest = {k: v for k, v in body.items() if k not in ("system", "messages")}
    parts = [f"----- {name} -----\n{text}" for name, text in texts]
    return "\n\n".join(
        [heading, *parts, f"----- other fields -----\n{json.dumps(rest, indent=1, ensure_ascii=False)}\n"]
    )
