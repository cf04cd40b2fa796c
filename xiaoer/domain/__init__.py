"""Words shared by all rooms, and the pure rules. Imports no room, does no I/O."""
