"""Rows of the outbox: written in the app's own transaction, so that what the app rolls back leaves none."""

import datetime
import uuid

from django.conf import settings

from .describe import fields_of, reason_of, user_of
from .encoder import to_json
from .models import InboxRow, OutboxRow
from .natural_keys import natural_key_of


def write_saved(record, using, action):
    """Writes that the record was inserted or updated: the whole of it, as the database has it now."""
    # Read again: a save of some fields leaves others in memory that nobody saved, and an expression has its value only there.
    stored = stored_record(record._meta.concrete_model, record.pk, using)
    if stored is not None:
        write_rows([row_of(stored, using, action, natural_key_of(stored), fields_of(stored), record)], using)


def write_stored(stored, using, action, joining=None):
    """The same of a record that was just read. `joining`: see fields_of."""
    write_rows([row_of(stored, using, action, natural_key_of(stored), fields_of(stored, joining), stored)], using)


def stored_record(model, pk, using):
    """The record as it is in the database; None where it is not there."""
    return model._base_manager.using(using).filter(pk=pk).first()


def write_deleted(record, using, natural_key):
    """Writes that the record was deleted."""
    write_rows([row_of(record, using, "delete", natural_key, {}, record)], using)


def write_rows(rows, using):
    """Inserts the rows, in their order, without anybody being told."""
    OutboxRow.objects.using(using).bulk_create(rows)


def row_of(record, using, action, natural_key, fields, teller):
    """A row of the outbox about the record; `teller` is the object in the app's hand, which may know who and why."""
    model = record._meta.concrete_model._meta.label_lower
    return OutboxRow(
        change_id=str(uuid.uuid4()),
        model=model,
        action=action,
        pk_text=str(record.pk),
        natural_key=to_json(natural_key),
        fields=to_json(fields),
        base=to_json(arrived(model, record.pk, using)),
        made_by=user_of(teller, action),
        recorded_at=datetime.datetime.now(datetime.timezone.utc).isoformat(),
        reason=reason_of(teller),
        site=site_of(record),
        app_version=version_of(record),
    )


def arrived(model, pk, using):
    """The change that this database last applied of the record, if any came from elsewhere: the app's own change is made upon it."""
    rows = InboxRow.objects.using(using).filter(model=model, pk_text=str(pk), applied=1, change_id__isnull=False)
    return list(rows.order_by("-position").values_list("change_id", flat=True)[:1])


def site_of(record):
    """The site that the record is of, else the one that the app runs at; None where neither is known."""
    site = getattr(record, "site_id", None) or getattr(settings, "SITE_ID", None)
    return str(site)[:200] if site else None


def version_of(record):
    """The setting WAYBILL_APP_VERSION, else the record's own revision; None where neither is there."""
    version = getattr(settings, "WAYBILL_APP_VERSION", None) or getattr(record, "revision", None)
    return str(version)[:200] if version else None
