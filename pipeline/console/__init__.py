"""The console at headquarters: what was noticed, how many came, what works, and what was forgotten."""
