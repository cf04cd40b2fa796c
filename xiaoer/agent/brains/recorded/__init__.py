"""The brain that answers from a tape: the model brain's own path, with no model and no network."""
