"""The database under the rooms: engines, column types, crash points. Knows no table."""
