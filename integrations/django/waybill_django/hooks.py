"""
Where an app has a say in what is applied: functions that it names in the setting WAYBILL_HOOKS, by dotted path.

before_apply(change): may alter `change.fields`; False leaves the row out.
on_duplicate(change, arrived, existing): two records with one natural key; returns the one to save.
on_missing_parent(change, model, key): returns the record to use as parent.

None from the last two lets the row wait.
"""

from django.conf import settings
from django.utils.module_loading import import_string


def call_hook(name, *args):
    """What the app's hook answers; None where it has none."""
    path = getattr(settings, "WAYBILL_HOOKS", {}).get(name)
    return import_string(path)(*args) if path else None
