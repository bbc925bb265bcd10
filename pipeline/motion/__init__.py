"""Boxes in, tracks, movements and observations out: pure, event time only."""
