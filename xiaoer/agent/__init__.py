"""The conversation graph, its nodes and the brains. Touches no database and no platform."""
