"""`kontor demo`: a person's first look at the running shop."""
