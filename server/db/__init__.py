"""PostgreSQL: statements compiled once, run prepared and together, on connections of psycopg."""
