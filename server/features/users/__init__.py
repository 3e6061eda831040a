"""Accounts: who has one, how it is proven, and how long somebody stays signed in.

Owns: users, registrations, email_tokens, sessions, refresh_tokens, login_throttles
Tells: UserRegistered, UserRegistrationRepeated, UserEmailVerified, UserAdminCreated
Hears: UserRegistered, UserRegistrationRepeated
Locks: an account before its registrations and codes, a refresh token before its session, and nothing of other features.
Read first: service.py, sessions/service.py.
"""
