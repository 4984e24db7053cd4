"""Incidents and their reports."""
