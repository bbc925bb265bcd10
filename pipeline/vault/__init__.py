"""Keys, leases, destruction, and the ledger that proves it."""
