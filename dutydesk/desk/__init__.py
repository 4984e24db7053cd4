"""The duty room's own pages: the board."""
