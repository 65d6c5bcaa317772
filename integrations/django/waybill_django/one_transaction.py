"""A record and the change that tells of it: both are committed, or neither."""

import functools

from django.db import router, transaction


def save_in_one_transaction(model):
    """
    Outside of a transaction Django commits a record before it tells anyone. A crash just then would leave a record of which no change tells;
    so saving a record of this model opens a transaction where there is none. Where there is one, nothing is different.
    """
    original = model.save_base
    if hasattr(original, "opens_transaction"):
        return

    @functools.wraps(original)
    def save_base(self, *args, **kwargs):
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        if not transaction.get_autocommit(using):
            return original(self, *args, **kwargs)
        with transaction.atomic(using=using):
            return original(self, *args, **kwargs)

    save_base.opens_transaction = True
    model.save_base = save_base
