"""The memory of past incidents, with their causes and what solved them."""
