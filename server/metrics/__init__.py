"""What a process counts about itself, and where it shows that.

To count is to add to a plain number: `meters`. Only when somebody asks, the numbers become Prometheus' own words:
`exposition`. `docs/metrics.md` lists all of them; a test holds it against the code.
"""
