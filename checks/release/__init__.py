"""Signatures, sign-offs, go-live, the rollback window, and the check of all of it years later, offline."""
