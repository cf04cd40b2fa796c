"""What the longer commands of `xiaoer` do, one a file; imported when they run."""
