"""The seal of the audit trail: what was written can be shown later to be all of it, and unchanged."""
