"""Seats, shifts, and who really holds a seat."""
