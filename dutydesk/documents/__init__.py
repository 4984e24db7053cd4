"""Documents that leave the house on paper: reports in the official format (docx) and tables (xlsx)."""
