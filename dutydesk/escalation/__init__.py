"""Executes the rungs that fall due."""
