"""The output guard: code, no model. Every claim is matched to a receipt or a tool's result."""
