"""The brain that asks a language model: view → messages → stream → plan, each step in a file of its own."""
