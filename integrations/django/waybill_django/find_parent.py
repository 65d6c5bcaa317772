"""Finding the record that a foreign key names."""

import json

from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist

from .encoder import to_json
from .errors import ParentMissing, RowRefused
from .hooks import call_hook
from .models import InboxRow
from .natural_keys import flatten, key_manager, key_parameters, nest


def parent_value(change, field, value):
    """What the field holds for the parent that `value` names, by natural key (a list) or by pk. Raises ParentMissing, RowRefused."""
    if value is None:
        return None
    find = find_by_key if isinstance(value, list) else find_by_value
    parent = find(field, value, change.using) or call_hook("on_missing_parent", change, field.related_model, value)
    if parent is not None:
        return getattr(parent, target_of(field))
    if not getattr(field, "db_constraint", True):
        # An entry of a record's history may outlive the parent that it names.
        pk = key_once_borne(field.related_model, value, change.using) if isinstance(value, list) else value
        if pk is not None:
            return field.related_model._meta.pk.to_python(pk)
    raise ParentMissing(f"{field.name} names {field.related_model._meta.label_lower} {to_json(value)}, which is not here")


def target_of(field):
    """The parent's field that the foreign key holds: nearly always its pk."""
    target = getattr(field, "target_field", None)
    return target.attname if target is not None else "pk"


def find_by_value(field, value, using):
    """The record whose field the foreign key holds; None where there is none. Raises RowRefused for what it cannot hold."""
    try:
        return field.related_model._base_manager.using(using).filter(**{target_of(field): value}).first()
    except Exception as error:
        raise RowRefused(f"{field.name} cannot hold {to_json(value)}: {error}") from error


def find_by_key(field, key, using):
    """The record that bears the natural key, or that once bore it; None where there is none. Raises RowRefused where several do."""
    model = field.related_model
    return bearer(model, key, using) or record_of(model, key_once_borne(model, key, using), using)


def bearer(model, key, using):
    """The record that bears the natural key now; None where none does. Raises RowRefused where several do, or none ever can."""
    manager = key_manager(model)
    if manager is None:
        raise RowRefused(f"{model._meta.label_lower} has no get_by_natural_key()")
    try:
        shape = shaped(model, key, using)
        return None if shape is None else manager.db_manager(using).get_by_natural_key(*shape)
    except ObjectDoesNotExist:
        return None
    except MultipleObjectsReturned as error:
        raise RowRefused(f"more than one {model._meta.label_lower} bears {to_json(key)}") from error
    except Exception as error:
        raise RowRefused(f"{to_json(key)} is no natural key of {model._meta.label_lower}: {error}") from error


def shaped(model, key, using):
    """The flat key as get_by_natural_key() takes it; where its parts are keys themselves, a record here shows how. None where none is here."""
    if len(key_parameters(model)) == len(key):
        return key
    sample = model._base_manager.using(using).first()
    if sample is None:
        return None
    shape = sample.natural_key()
    return nest(key, shape) if len(flatten(shape)) == len(key) else key


def key_once_borne(model, key, using):
    """The pk of the record of which the inbox told last under that natural key; None where it never did."""
    spellings = [to_json(key), json.dumps(key, separators=(",", ":"), ensure_ascii=False)]
    rows = InboxRow.objects.using(using).filter(model=model._meta.label_lower, applied=1, natural_key__in=spellings)
    return rows.order_by("-position").values_list("pk_text", flat=True).first()


def record_of(model, pk, using):
    """The record of that pk, or the one that it was merged into; None where there is none."""
    if pk is None:
        return None
    found = model._base_manager.using(using).filter(pk=pk).first()
    if found is not None:
        return found
    merged = InboxRow.objects.using(using).filter(model=model._meta.label_lower, pk_text=str(pk), applied=1)
    into = merged.order_by("-position").values_list("merged_into", flat=True).first()
    return model._base_manager.using(using).filter(pk=into).first() if into else None
