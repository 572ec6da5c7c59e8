"""Diagnoses from made-up clusters, without any I/O."""
