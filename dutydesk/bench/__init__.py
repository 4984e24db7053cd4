"""Measurements of the product against its budgets (design §12). They print; they are no gates."""
