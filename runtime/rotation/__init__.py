"""Rotation of secrets: Secrets Manager's four steps, and what each of our secrets asks of a new value."""
