"""Handing mails to relays over SMTP: see `transport.py`."""

from workers.smtp.transport import SmtpTransport

__all__ = ["SmtpTransport"]
