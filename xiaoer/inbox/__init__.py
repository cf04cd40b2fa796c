"""Intake, queue, worker, outbox: every message is stored once, answered once, delivered in order."""
