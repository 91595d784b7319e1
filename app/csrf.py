"""CSRF protection of every form (TRUST S9), as one object that blueprints may be exempted from."""

from flask_wtf.csrf import CSRFProtect

csrf = CSRFProtect()
