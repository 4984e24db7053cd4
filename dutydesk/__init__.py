"""dutydesk: the report clocks, rosters and call-outs of a city bureau's duty room."""

__version__ = "0.1.0"
