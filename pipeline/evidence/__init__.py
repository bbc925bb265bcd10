"""Evidence of an alert: the few frames that it names, everybody else's head hidden, sealed under a key of its own."""
