"""What is owed, by when, with its rungs, and what ended it."""
