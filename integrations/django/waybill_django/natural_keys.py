"""Natural keys: flat lists in changes, whatever shape the app gives them."""

import inspect
import logging

from .encoder import as_json

logger = logging.getLogger(__name__)


def flatten(key):
    """The parts of a natural key in one list. An app may put a parent's whole key into its own."""
    if not isinstance(key, (tuple, list)):
        return [key]
    return [part for item in key for part in flatten(item)]


def nest(parts, shape):
    """The same parts in the shape of another key of the model, for its get_by_natural_key()."""
    left = list(parts)

    def fill(item):
        if isinstance(item, (tuple, list)):
            return type(item)(fill(inner) for inner in item)
        return left.pop(0)

    return fill(shape)


def natural_key_of(instance):
    """The natural key as a change carries it; empty where there is none, or where the app cannot say it now."""
    if not hasattr(instance, "natural_key"):
        return []
    try:
        return as_json(flatten(instance.natural_key()))
    except Exception:
        logger.exception("%s %s cannot say its natural key", instance._meta.label_lower, instance.pk)
        return []


def key_manager(model):
    """The manager that finds a record by its natural key; None where there is none. `objects` first: a default one may filter."""
    for manager in (getattr(model, "objects", None), model._default_manager):
        if hasattr(manager, "get_by_natural_key"):
            return manager
    return None


def natural_key_names(model):
    """
    What the parts of the model's natural key are called, in order: its fields, or `visit__code` for a field of a parent. Found by asking a
    record whose every field holds its own name; where natural_key() computes something, by the names that get_by_natural_key() takes.
    """
    if not hasattr(model, "natural_key"):
        return []
    try:
        names = flatten(named_record(model).natural_key())
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return names
    except Exception:
        logger.info("%s computes its natural key", model._meta.label_lower)
    return key_parameters(model)


def key_parameters(model):
    """What the model's get_by_natural_key() takes, by name; nothing where it has none."""
    manager = key_manager(model)
    return list(inspect.signature(manager.get_by_natural_key).parameters) if manager else []


def named_record(model, prefix="", depth=4):
    """A record of the model that is nowhere saved and says of each field how it is called."""
    record = model()
    for field in model._meta.concrete_fields:
        name = prefix + field.name
        setattr(record, field.attname, name)
        if depth > 0 and field.is_relation and hasattr(field.related_model, "natural_key"):
            field.set_cached_value(record, named_record(field.related_model, name + "__", depth - 1))
    return record
