"""What people look at: the month table, weeks, persons, who is on duty, quality."""
