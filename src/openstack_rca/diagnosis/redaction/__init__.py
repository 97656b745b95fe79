"""Text -> the same text without secrets, and back: what leaves the process or is shown to people carries none."""

from openstack_rca.diagnosis.redaction.redactor import Redactor
from openstack_rca.diagnosis.redaction.rules import Rule, Rules, load_rules, masked

__all__ = ["Redactor", "Rule", "Rules", "load_rules", "masked"]
