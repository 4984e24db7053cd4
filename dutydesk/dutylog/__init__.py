"""The duty log: one table for every kind of entry."""
