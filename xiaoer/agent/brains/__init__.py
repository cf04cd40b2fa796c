"""Brains plan turns: embedded, a model, or a recording, all behind one protocol."""
