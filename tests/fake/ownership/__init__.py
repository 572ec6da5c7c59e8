"""Tests of who owns which fields."""
