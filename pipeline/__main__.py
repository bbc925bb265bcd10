"""`python -m pipeline` is `mimamori`: what child processes are started with."""

from pipeline.cli import main

main()
