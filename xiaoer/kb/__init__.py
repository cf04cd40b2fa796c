"""Knowledge of each store: entries, index, search, gaps."""
