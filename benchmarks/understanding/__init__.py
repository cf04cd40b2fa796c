"""Held-out messages and the figures over them."""
