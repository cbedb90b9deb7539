"""Bank statements: read from CSV, CAMT.053 or MT940 into lines that are never posted twice."""
