"""Pure: from the evidence of a session to its stalls."""
