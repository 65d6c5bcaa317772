"""The models, as the study configuration wants to know of them."""

from .natural_keys import natural_key_names
from .offline_model import is_historical
from .registry import site_offline_models


def registry_document(known):
    """
    What the models say of themselves, by label. From `known`, an older document, what only people know is kept: requisition mappings,
    hidden fields, and models of which this app knows nothing.
    """
    models = {model._meta.label_lower: describe(model) for model in site_offline_models.models()}
    return {**known, **{label: with_known(entry, known.get(label, {})) for label, entry in models.items()}}


def describe(model):
    """One model's entry."""
    return {
        "label": str(model._meta.verbose_name)[:200],
        "naturalKey": natural_key_names(model),
        "dependsOn": parents_of(model),
        "history": hasattr(model, "history") and not is_historical(model),
        "offline": True,
        "hidden": encrypted_fields(model),
    }


def with_known(entry, known):
    """The entry with what people wrote. A field that is part of the key, or of a requisition's line, cannot be hidden."""
    readable = {*entry["naturalKey"], *(value for value in known.get("requisition", {}).values() if isinstance(value, str))}
    hidden = [*known.get("hidden", []), *(name for name in entry["hidden"] if name not in readable)]
    kept = {name: value for name, value in known.items() if name not in entry}
    return {**entry, **kept, "hidden": list(dict.fromkeys(hidden))}


def parents_of(model):
    """The fields that name records of other registered models. What a history names is only what its record named."""
    if is_historical(model):
        return {}
    fields = [*model._meta.local_fields, *model._meta.local_many_to_many]
    return {
        field.name: field.related_model._meta.concrete_model._meta.label_lower
        for field in fields
        if field.serialize and field.is_relation and field.related_model and site_offline_models.covers(field.related_model)
        if not field.many_to_many or field.remote_field.through._meta.auto_created
    }


def encrypted_fields(model):
    """Fields that the app itself keeps encrypted, by django-crypto-fields."""
    return [
        field.name
        for field in model._meta.local_fields
        if any(base.__module__.startswith("django_crypto_fields") for base in type(field).__mro__)
    ]
