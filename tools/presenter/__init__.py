"""Decks, website, handout, and a room without a network."""
