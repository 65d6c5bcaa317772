"""The fields of a change, as the model takes them."""

from django.core.exceptions import FieldDoesNotExist

from .errors import RowRefused
from .find_parent import parent_value


def fill(record, change):
    """Puts the change's fields into the record. Returns its many-to-many sets by field, which can be set once it is saved. Raises RowRefused."""
    sets = {}
    for name, value in change.fields.items():
        field = field_of(change.model, name)
        if field.many_to_many:
            sets[field] = members(change, field, value)
        elif field.is_relation and field.remote_field:
            setattr(record, field.attname, parent_value(change, field, value))
        else:
            setattr(record, field.attname, plain_value(field, value))
    return sets


def field_of(model, name):
    """The model's own field of that name. Raises RowRefused: what the app does not know would be lost without a word."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist as error:
        raise RowRefused(f"{model._meta.label_lower} has no field {name} here: is this app older than the laptop's?") from error
    if field.auto_created and not field.concrete:
        raise RowRefused(f"{name} is no field of {model._meta.label_lower} itself")
    return field


def members(change, field, value):
    """The pks that a many-to-many set holds. Raises ParentMissing, RowRefused."""
    if not isinstance(value, list):
        raise RowRefused(f"{field.name} is no list")
    target = Member(field)
    return [parent_value(change, target, one) for one in value]


class Member:
    """A many-to-many field seen as if it named one record."""

    db_constraint = True

    def __init__(self, field):
        self.name = field.name
        self.related_model = field.related_model


def plain_value(field, value):
    """The value as the field holds it. Raises RowRefused."""
    try:
        return field.to_python(value)
    except Exception as error:
        raise RowRefused(f"{field.name} cannot be {value!r}: {error}") from error
