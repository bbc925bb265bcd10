"""`mimamori analyse`: what the stages do, over one clip, without Kafka."""

from agents.analyse.command import app

__all__ = ["app"]
