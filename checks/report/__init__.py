"""What an auditor, an operator and a build each need, made from one `Results`: same facts, same bytes."""
