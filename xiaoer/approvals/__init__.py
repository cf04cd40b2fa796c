"""Ledger, case graph, grant signing, executor: the only code that starts irreversible effects."""
