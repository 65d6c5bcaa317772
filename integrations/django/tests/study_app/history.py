"""History in the manner of django-simple-history, as studies used it: a historical model beside each, its history_id a UUID."""

import copy
import uuid

from django.db import models
from django.db.models import signals
from django.utils import timezone


class HistoricalManager(models.Manager):
    """Finds an entry by its natural key."""

    def get_by_natural_key(self, history_id):
        return self.get(history_id=history_id)


class HistoricalModel(models.Model):
    """What every historical model has."""

    history_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    history_date = models.DateTimeField()
    history_change_reason = models.CharField(max_length=100, null=True)
    history_type = models.CharField(max_length=1)
    history_user = models.ForeignKey("auth.User", null=True, related_name="+", on_delete=models.SET_NULL)
    objects = HistoricalManager()

    def natural_key(self):
        return (self.history_id,)

    class Meta:
        abstract = True


class History:
    """The attribute `history` of a model: knows its historical model."""

    def __init__(self, model):
        self.model = model


def with_history(model):
    """Gives the model a history: an entry of each save and delete that the app itself does."""
    fields = {field.name: historical_field(field) for field in model._meta.local_concrete_fields}
    historical = type(f"Historical{model.__name__}", (HistoricalModel,), {"__module__": model.__module__, **fields})
    model.history = History(historical)
    signals.post_save.connect(on_save, sender=model, weak=False)
    signals.post_delete.connect(on_delete, sender=model, weak=False)
    return model


def historical_field(field):
    """The field of an entry that holds what the record's field held."""
    if field.is_relation:
        return models.ForeignKey(field.remote_field.model, null=True, related_name="+", db_constraint=False, on_delete=models.DO_NOTHING)
    held = copy.copy(field)
    held.primary_key = held._unique = held.auto_now = held.auto_now_add = False
    held.serialize = True
    return held


def on_save(sender, instance, created, raw, using, **kwargs):
    if not raw:
        write_entry(sender, instance, "+" if created else "~", using)


def on_delete(sender, instance, using, **kwargs):
    write_entry(sender, instance, "-", using)


def write_entry(model, record, kind, using):
    """An entry of the history: what the record is like now."""
    values = {field.attname: getattr(record, field.attname) for field in model._meta.local_concrete_fields}
    model.history.model(
        history_date=timezone.now(),
        history_type=kind,
        history_user=getattr(record, "_history_user", None),
        history_change_reason=getattr(record, "_change_reason", None),
        **values,
    ).save(using=using)
