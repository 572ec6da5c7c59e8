"""Waits, without any I/O: conditions, states, and the flow against a simulated server."""
