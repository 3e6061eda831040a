"""The one-command run: PostgreSQL, the Stripe stand-in, the mail catcher, workers and Envoy on one machine."""
