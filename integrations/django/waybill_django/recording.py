"""Whether what the app saves is recorded."""

import contextlib
import contextvars

from django.conf import settings
from django.db import router

#: The names under which an app may switch recording off; the first is ours, the others are those of django-collect-offline.
SWITCHES = ("WAYBILL_RECORDING", "ALLOW_MODEL_SERIALIZATION", "DJANGO_COLLECT_OFFLINE_ENABLED")

applying = contextvars.ContextVar("applying", default=False)


def switched_off_by():
    """The setting that switches recording off; None where nothing does."""
    return next((name for name in SWITCHES if not getattr(settings, name, True)), None)


def is_recording(using):
    """Whether a save in that database leaves a row in its outbox."""
    return switched_off_by() is None and not applying.get() and router.allow_migrate(using, "waybill_django")


@contextlib.contextmanager
def not_recording():
    """What arrived from elsewhere is applied without being told again."""
    token = applying.set(True)
    try:
        yield
    finally:
        applying.reset(token)
