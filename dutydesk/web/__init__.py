"""What every page and every API route shares: the site, answers, problems, texts, security headers."""
