"""Tests of the API server in one process."""
