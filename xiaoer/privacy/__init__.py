"""What the house keeps of a person: found, handed out, erased, and let go when its time is over."""
