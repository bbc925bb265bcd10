"""How each family of networks wants its picture, and what its numbers mean."""
