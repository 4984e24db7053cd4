"""Units, persons, posts and contact points."""
