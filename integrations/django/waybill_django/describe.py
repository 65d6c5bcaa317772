"""What a record is like, as Django's own serializer tells it."""

import logging
import math

from django.core.serializers.python import Serializer

from .encoder import as_json, to_json
from .natural_keys import flatten

logger = logging.getLogger(__name__)


class RecordSerializer(Serializer):
    """Django's, with natural keys as flat lists, many-to-many sets in one order, and no error for what a record has lost."""

    internal_use_only = True

    def handle_field(self, obj, field):
        super().handle_field(obj, field)
        value = self._current[field.name]
        if isinstance(value, float) and not math.isfinite(value):
            self._current[field.name] = str(value)

    def handle_fk_field(self, obj, field):
        try:
            super().handle_fk_field(obj, field)
            value = self._current[field.name]
            self._current[field.name] = flatten(value) if isinstance(value, (tuple, list)) else value
        except Exception:
            # A historical record may outlive its parent: then only the parent's pk is left to say.
            logger.info("%s %s: %s has no natural key now", obj._meta.label_lower, obj.pk, field.name)
            self._current[field.name] = self._value_from_field(obj, field)

    def handle_m2m_field(self, obj, field):
        super().handle_m2m_field(obj, field)
        if field.name in self._current:
            named = [flatten(value) if isinstance(value, (tuple, list)) else value for value in self._current[field.name]]
            self._current[field.name] = sorted(named, key=to_json)


def fields_of(record, joining=None):
    """
    The whole record by field, natural foreign keys in it, as JSON will give it back. `joining`: by the name of a many-to-many field, a record
    that will be in its set when the transaction ends.
    """
    fields = as_json(RecordSerializer().serialize([record], use_natural_foreign_keys=True)[0]["fields"])
    for name, member in (joining or {}).items():
        reference = as_json(flatten(member.natural_key()) if hasattr(member, "natural_key") else member.pk)
        if reference not in fields[name]:
            fields[name] = sorted([*fields[name], reference], key=to_json)
    return fields


def user_of(record, action):
    """Who made the change, as far as the record says. Who deleted it, only django-simple-history's convention can tell."""
    if hasattr(record, "history_user_id"):
        return name_of(related(record, "history_user"))
    acting = name_of(getattr(record, "_history_user", None))
    if acting or action == "delete":
        return acting
    return name_of(getattr(record, "user_modified", None)) or name_of(getattr(record, "user_created", None))


def reason_of(record):
    """Why it was changed, as django-simple-history keeps it; None where nobody said."""
    reason = getattr(record, "history_change_reason", None) or getattr(record, "_change_reason", None)
    return str(reason)[:1000] if reason else None


def name_of(user):
    """A user's name, whether the app keeps users or their names."""
    if user is None:
        return ""
    return str(user.get_username() if hasattr(user, "get_username") else user)[:200]


def related(record, name):
    """A related record; None where it is gone."""
    try:
        return getattr(record, name)
    except Exception:
        return None
