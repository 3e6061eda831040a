"""Payments: attempts to pay orders, with whichever provider, and the ledger of the money that moved.

Owns: payments, payment_transactions, provider_events
Tells: PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentCanceled, PaymentVoided, PaymentExpired,
  PaymentRefunded, PaymentRefundFailed
Hears: nothing
Locks: the order, by way of its SettlementListener, then the payment; no lock is held while a provider is asked.
Read first: service.py, settlement/service.py, rules.py
"""
