"""From seat patterns and rotations to shifts: set-up, generating, locking by hand, explaining."""
