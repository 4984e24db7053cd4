"""What kind of day it is: workday, rest day, statutory holiday, make-up workday."""
