"""Leave reports (Art. 57) and the acting head (Art. 5): what a leave does to the shifts it touches."""
