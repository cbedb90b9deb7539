"""The history of payments, asked in SQL: `hasivu history`."""
