"""The house defaults, each decided once."""
