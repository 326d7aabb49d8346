"""Proof that `extensions="private"` runs real packages (`make extensions`)."""
