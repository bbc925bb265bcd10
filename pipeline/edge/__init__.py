"""What a store device runs: capture, gate, mask, seal, sign, publish. Needs no models, no Faust, no server."""
