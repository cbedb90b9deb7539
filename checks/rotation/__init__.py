"""New values for secrets: staged by an operator, made current by a rotation, never shown."""
