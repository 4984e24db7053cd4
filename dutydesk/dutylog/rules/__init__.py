"""What the duty log decides: times as people type them, callers, late entries, days, and likely duplicates. Pure."""
