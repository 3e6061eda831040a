"""PostgreSQL: statements compiled once, run by psycopg."""
