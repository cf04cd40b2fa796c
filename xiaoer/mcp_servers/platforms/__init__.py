"""Shop platforms behind one protocol; one backend a file or folder."""
