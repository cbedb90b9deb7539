"""Moving messages back from a dead-letter queue: looked at first, a page at a time, never lost."""
