"""Text -> the same text without secrets, and back: what leaves the process carries placeholders instead."""

from openstack_rca.diagnosis.redaction.redactor import Redactor
from openstack_rca.diagnosis.redaction.rules import Rule, Rules, load_rules

__all__ = ["Redactor", "Rule", "Rules", "load_rules"]
