"""Events: what happened, kept in the transaction that caused it, and handed on from there.

Owns: events, event_cursors
Tells: nothing
Hears: nothing
Locks: a reader's cursor, alone; whoever records an event holds the lock of its aggregate already.
Read first: service.py, then dispatch_service.py and follow_service.py, its two readers.
"""
