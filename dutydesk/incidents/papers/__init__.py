"""The written products about an incident (专报, 快报), from the draft to whoever receives them."""
