"""Athena of the sandbox, which is not Athena: DuckDB executes what is read in Athena's dialect.

The emulator has an Athena of its own that gives DuckDB whatever it is told, as nobody in particular, and
knows neither UNLOAD nor the places of partitions. This one takes its place inside the emulator: it reads
statements by Athena's grammar (sqlglot) and refuses what it does not know instead of guessing, reads what the
Glue catalogue says, writes real Parquet and the answers' CSV, and does to S3 and to the catalogue only what
the caller may.

What it does not show: Athena's planning, speed, price and quotas. It counts every object of the tables that a
statement names as read; Athena leaves out what the statement's days leave out.
"""
