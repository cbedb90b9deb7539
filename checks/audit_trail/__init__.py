"""The sealed audit trail, fetched and verified: by anybody, years later, without AWS."""
