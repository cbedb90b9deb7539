"""Reconciliation: what we expected, what the gateway says and what the bank shows, held together."""
