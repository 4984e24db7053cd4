"""The outside systems that carry messages; the only package that speaks to them."""
