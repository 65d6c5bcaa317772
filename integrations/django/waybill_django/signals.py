"""What Django tells when the app saves, deletes or links records, made into rows of the outbox."""

from django.db.models import signals

from .natural_keys import natural_key_of
from .outbox import stored_record, write_deleted, write_saved, write_stored
from .owners import Link, owners_of_deleted
from .recording import is_recording
from .registry import site_offline_models

covers = site_offline_models.covers


def connect():
    """From now on what the app does to registered models is recorded."""
    signals.post_save.connect(saved, weak=False, dispatch_uid="waybill_saved")
    signals.pre_delete.connect(before_delete, weak=False, dispatch_uid="waybill_before_delete")
    signals.post_delete.connect(deleted, weak=False, dispatch_uid="waybill_deleted")
    signals.m2m_changed.connect(linked, weak=False, dispatch_uid="waybill_linked")


def saved(sender, instance, raw, created, using, **kwargs):
    """A record was saved. A fixture (raw) is no deed of the app: see waybill_record."""
    if raw or not covers(sender) or not is_recording(using):
        return
    action = "insert" if created else "update"
    for parent in reversed(sender._meta.concrete_model._meta.get_parent_list()):
        if covers(parent):
            write_record(parent, instance.pk, using, action)
    write_saved(instance, using, action)


def before_delete(sender, instance, using, **kwargs):
    """While everything is still there: what the record is called, and who changes with it."""
    if not is_recording(using):
        return
    instance._waybill_owners = owners_of_deleted(instance, using)
    if covers(sender):
        instance._waybill_key = natural_key_of(instance)


def deleted(sender, instance, using, **kwargs):
    """A record was deleted; first those that it changed thereby, so that nobody names it after it went."""
    if not is_recording(using):
        return
    for owner, pk in instance.__dict__.pop("_waybill_owners", []):
        write_record(owner, pk, using, "update")
    if covers(sender):
        write_deleted(instance, using, instance.__dict__.pop("_waybill_key", []))


def linked(sender, instance, action, reverse, model, pk_set, using, **kwargs):
    """A many-to-many set was changed: that is an update of the record that owns the set."""
    link = Link(sender, instance, reverse, model)
    if not link.matters or not is_recording(using):
        return
    if action == "pre_clear":
        instance._waybill_linked = set(link.linked_pks(using))
    elif action == "pre_remove":
        instance._waybill_linked = pk_set.intersection(link.linked_pks(using))
    elif action in ("post_clear", "post_remove"):
        tell_owners(link, instance.__dict__.pop("_waybill_linked", set()), using)
    elif action == "post_add" and pk_set:
        tell_owners(link, pk_set, using, added=True)
        if covers(sender):
            write_links(link, pk_set, using)


def tell_owners(link, pks, using, added=False):
    """The sets that links to these were added to, or taken from."""
    if not pks or not link.owned:
        return
    if link.reverse:
        for pk in pks:
            write_record(link.field.model, pk, using, "update")
        return
    write_record(link.field.model, link.record.pk, using, "update")
    if link.field.remote_field.symmetrical:
        # Django adds the links back only after it told of these.
        back = {link.field.name: link.record} if added else None
        for pk in pks:
            write_record(link.field.model, pk, using, "update", back)


def write_links(link, pks, using):
    """Links that are records of a registered model: Django inserts them without a signal."""
    for row in link.rows(using).filter(**{f"{link.far}__in": pks}):
        write_stored(row, using, "insert")


def write_record(model, pk, using, action, joining=None):
    """Tells of a record of which Django told nobody; of one that is gone there is nothing to tell. `joining`: see fields_of."""
    stored = stored_record(model, pk, using)
    if stored is not None:
        write_stored(stored, using, action, joining)
