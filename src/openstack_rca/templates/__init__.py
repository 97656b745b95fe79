"""Log table to template ids: our masks first, Drain for what they leave."""

from openstack_rca.templates.masks import mask
from openstack_rca.templates.miner import DrainMiner, template_id

__all__ = ["DrainMiner", "mask", "template_id"]
