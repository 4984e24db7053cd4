"""A published roster kept whole: filing, publishing, gaps, reminders, signing in."""
