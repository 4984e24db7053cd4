"""Day classes, holidays and sensitive periods: the pages, the API and the import."""
