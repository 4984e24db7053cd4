"""Rosters in and out: workbooks, prints and calendar feeds."""
