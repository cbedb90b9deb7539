"""E-mail over Amazon SES."""
