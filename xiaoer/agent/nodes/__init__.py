"""Nodes of the conversation graph, one a file: state in, changed keys out."""
