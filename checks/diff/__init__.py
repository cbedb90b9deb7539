"""What a change would do to each environment, told from two assemblies: no account, no network."""
