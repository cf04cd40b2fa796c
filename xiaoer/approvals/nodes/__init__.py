"""Steps of a case, one a file; each reads the ledger and trusts nothing else."""
