"""Telling of records of which Django's signals did not tell."""

import datetime
import hashlib
import json

from django.db import transaction

from .describe import fields_of
from .encoder import to_json
from .models import OutboxRow
from .natural_keys import natural_key_of
from .outbox import row_of, stored_record, write_rows

BATCH = 500
#: Where a record may say when it was last saved.
TIMES = ("modified", "history_date", "created")


def record(records, using="default"):
    """
    Writes into the outbox how these records are now in the database, those only of which it does not say the same already. For what
    bulk_create(), QuerySet.update() or a fixture did: call it in the same transaction. Returns how many rows were written.
    """
    stored = [stored_record(one._meta.concrete_model, one.pk, using) for one in records]
    return write_present([one for one in stored if one is not None], using)


def record_model(model, using, progress=lambda count: None):
    """Records every record of the model, some hundred a transaction. Returns how many rows were written."""
    written = 0
    last = None
    while True:
        with transaction.atomic(using=using):
            records = model._base_manager.using(using).order_by("pk")
            batch = list((records if last is None else records.filter(pk__gt=last))[:BATCH])
            written += write_present(batch, using)
        if not batch:
            return written
        last = batch[-1].pk
        progress(len(batch))


def write_present(records, using):
    """Rows for those of the records of which the outbox says something else, or nothing. Returns how many."""
    told = last_told(records, using)
    first, then = [], []
    for one in records:
        fields = fields_of(one)
        last = told.get((one._meta.concrete_model._meta.label_lower, str(one.pk)))
        if last is None:
            # Two records that name each other would wait for each other: first both are there, then they name.
            alone = without_own_kind(one, fields)
            first.append(first_row(one, using, "insert", alone))
            if alone != fields:
                then.append(first_row(one, using, "update", fields))
        elif last.action == "delete" or json.loads(last.fields) != fields:
            then.append(row_of(one, using, "update", natural_key_of(one), fields, one))
    write_rows(first + then, using)
    return len(first) + len(then)


def first_row(one, using, action, fields):
    """
    A row about a record of which nothing was told yet. All that it says is the record's own, its name included: two laptops that have the
    same record tell the same change, and not two that contradict each other.
    """
    row = row_of(one, using, action, natural_key_of(one), fields, one)
    row.site = str(one.site_id) if getattr(one, "site_id", None) else None
    row.app_version = str(one.revision)[:200] if getattr(one, "revision", None) else None
    row.recorded_at = known_time(one) or row.recorded_at
    said = [row.model, row.action, row.pk_text, row.natural_key, row.fields, row.made_by, row.reason]
    row.change_id = f"recorded-{hashlib.sha256(to_json(said).encode()).hexdigest()}"
    return row


def known_time(one):
    """When the record says that it was last saved, in UTC; None where it does not say."""
    time = next((value for value in (getattr(one, name, None) for name in TIMES) if value is not None), None)
    return time.astimezone(datetime.timezone.utc).isoformat() if isinstance(time, datetime.datetime) else None


def without_own_kind(one, fields):
    """The fields with nothing in many-to-many sets of the record's own model."""
    model = one._meta.concrete_model
    own = {field.name for field in model._meta.local_many_to_many if field.related_model._meta.concrete_model is model}
    return {name: [] if name in own else value for name, value in fields.items()}


def last_told(records, using):
    """The newest row of each of these records, by (model, pk)."""
    pks = {}
    for one in records:
        pks.setdefault(one._meta.concrete_model._meta.label_lower, []).append(str(one.pk))
    return {
        (row.model, row.pk_text): row
        for model, some in pks.items()
        for row in OutboxRow.objects.using(using).filter(model=model, pk_text__in=some).order_by("position")
    }
