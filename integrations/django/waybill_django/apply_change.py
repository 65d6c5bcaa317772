"""One change, made in the app's own tables. Nothing here is told again, and none of the app's signals for saves sees it as a deed."""

from django.db import models

from .errors import DuplicateRecord, RowRefused
from .find_parent import bearer, record_of
from .hooks import call_hook
from .natural_keys import key_manager
from .read_fields import fill


def apply_change(change):
    """Makes the change. Use it in a transaction. Raises RowRefused, or what the database refuses."""
    if call_hook("before_apply", change) is False:
        return
    if change.state == "present":
        apply_present(change)
    elif change.state == "deleted":
        apply_deleted(change)
    else:
        apply_merged(change)


def apply_present(change):
    """The record becomes as the change says, its many-to-many sets whole."""
    # A field that an older laptop does not know stays as it is here.
    record = change.existing() or change.model()
    record.pk = change.pk
    sets = fill(record, change)
    chosen = without_duplicate(change, record)
    models.Model.save_base(chosen, raw=True, using=change.using)
    for field, pks in sets.items() if chosen is record else ():
        set_links(record, field, pks, change.using)


def without_duplicate(change, arrived):
    """The record to save: the one that arrived, or the app's choice where another one here bears its natural key. Raises DuplicateRecord."""
    if not change.natural_key or key_manager(change.model) is None:
        return arrived
    existing = bearer(change.model, change.natural_key, change.using)
    if existing is None or existing.pk == arrived.pk:
        return arrived
    chosen = call_hook("on_duplicate", change, arrived, existing)
    if chosen is None:
        raise DuplicateRecord(f"{change.model._meta.label_lower} {existing.pk} has the same natural key")
    return chosen


def set_links(record, field, pks, using):
    """Makes the set exactly these, removals included, without a signal."""
    through = field.remote_field.through
    near, far = field.m2m_field_name(), field.m2m_reverse_field_name()
    links = through._base_manager.using(using).filter(**{near: record.pk})
    links.exclude(**{f"{far}__in": pks})._raw_delete(using)
    have = set(links.values_list(far, flat=True))
    new = [through(**{f"{near}_id": record.pk, f"{far}_id": pk}) for pk in dict.fromkeys(pks) if pk not in have]
    through._base_manager.using(using).bulk_create(new)


def apply_deleted(change):
    """The record is gone, with its links. Records that still name it keep it: the database says so."""
    delete_links(change)
    change.model._base_manager.using(change.using).filter(pk=change.pk)._raw_delete(change.using)


def delete_links(change):
    """Takes the record out of many-to-many sets, its own and others'."""
    for foreign_key in link_keys(change.model):
        foreign_key.model._base_manager.using(change.using).filter(**{foreign_key.name: change.pk})._raw_delete(change.using)


def link_keys(model):
    """Foreign keys to the model in Django's own tables of links."""
    relations = model._meta.get_fields(include_hidden=True)
    return [one.field for one in relations if one.one_to_many and one.related_model._meta.auto_created]


def apply_merged(change):
    """The record was another one all along: whatever names it names that one, and it is gone. Raises RowRefused."""
    into = record_of(change.model, change.read_pk(change.row.merged_into), change.using)
    if into is None:
        raise RowRefused(f"{change.row.merged_into}, which it is merged into, is not here")
    if into.pk == change.pk:
        return
    for relation in change.model._meta.get_fields(include_hidden=True):
        if (relation.one_to_many or relation.one_to_one) and relation.auto_created and not relation.concrete:
            point_elsewhere(relation.field, change.pk, into, change.using)
    apply_deleted(change)


def point_elsewhere(foreign_key, pk, into, using):
    """Whatever names the old record names the new one. A link that is there already is not made twice: the old one goes with the record."""
    rows = foreign_key.model._base_manager.using(using).filter(**{foreign_key.name: pk})
    if foreign_key.model._meta.auto_created:
        other = next(one for one in foreign_key.model._meta.local_fields if one.is_relation and one is not foreign_key)
        there = foreign_key.model._base_manager.using(using).filter(**{foreign_key.name: into.pk}).values_list(other.attname, flat=True)
        rows = rows.exclude(**{f"{other.attname}__in": list(there)})
    rows.update(**{foreign_key.name: into})
