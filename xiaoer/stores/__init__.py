"""One YAML a store, and the loader that refuses a bad one with its line."""
