"""Kontor: a headless shop behind gRPC."""
