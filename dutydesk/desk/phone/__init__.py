"""The phone log: a call is written down, with what it says about an incident, in one form and one transaction."""
