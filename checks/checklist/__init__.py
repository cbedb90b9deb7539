"""The production deployment checklist: its items, what proves each of them, and how they stand."""
