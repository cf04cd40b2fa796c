"""Promises that are kept: rows with a clock, looked at, told once."""
