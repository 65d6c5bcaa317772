"""What a model must have to be for offline use."""

from django.db.models import UUIDField

from .errors import GetByNaturalKeyMissing, HistoryIdNotUuid, NaturalKeyMissing, UuidPrimaryKeyMissing
from .natural_keys import key_manager


class OfflineModel:
    """
    A record of a model that is for offline use.

    Raises HistoryIdNotUuid, NaturalKeyMissing, GetByNaturalKeyMissing or UuidPrimaryKeyMissing, the first that is so. Recording itself never
    raises them: what the app saves is never refused. They are found by `manage.py check` and by the app's own tests.
    """

    def __init__(self, instance):
        self.instance = instance
        for problem in problems_of(type(instance)):
            raise problem

    def __repr__(self):
        return f"{type(self).__name__}({self.instance!r})"

    def __str__(self):
        return self.instance._meta.label_lower

    @property
    def primary_key_field(self):
        """`id` in most models, `history_id` in historical ones."""
        return self.instance._meta.pk


def is_historical(model):
    """Whether its records are entries of another model's history, as django-simple-history makes them."""
    return model._meta.model_name.startswith("historical") and history_id_of(model) is not None


def problems_of(model):
    """Everything that keeps the model from offline use, an exception each. A historical model needs no natural key."""
    label = model._meta.label_lower
    problems = []
    history = getattr(getattr(model, "history", None), "model", model)
    history_id = history_id_of(history)
    if history_id is not None and not isinstance(history_id, UUIDField):
        problems.append(HistoryIdNotUuid(f"{history._meta.label_lower}.history_id is not a UUIDField"))
    if is_historical(model):
        return problems
    if not hasattr(model, "natural_key"):
        problems.append(NaturalKeyMissing(f"{label} has no method natural_key()"))
    if key_manager(model) is None:
        problems.append(GetByNaturalKeyMissing(f"{label} has no manager with a method get_by_natural_key()"))
    if model._meta.pk.get_internal_type() != "UUIDField" and not model._meta.parents:
        got = model._meta.pk.get_internal_type()
        problems.append(UuidPrimaryKeyMissing(f"the primary key {label}.{model._meta.pk.name} is not a UUIDField but {got}"))
    return problems


def history_id_of(model):
    """The field history_id; None where the model has none."""
    return next((field for field in model._meta.fields if field.name == "history_id"), None)
