"""What `manage.py check` finds."""

import re
from pathlib import Path

from django.core.checks import Error, Warning, register

from .errors import GetByNaturalKeyMissing, HistoryIdNotUuid, NaturalKeyMissing, UuidPrimaryKeyMissing
from .offline_model import is_historical, problems_of
from .recording import switched_off_by
from .registry import find_model, site_offline_models

ERRORS = {
    NaturalKeyMissing: ("E001", "Define natural_key() on the model: what makes a record known on another computer."),
    GetByNaturalKeyMissing: ("E002", "Give the model a manager `objects` with get_by_natural_key()."),
    UuidPrimaryKeyMissing: ("E003", "Make the primary key a UUIDField with default=uuid.uuid4."),
    HistoryIdNotUuid: ("E004", "Use history records whose history_id is a UUIDField with default=uuid.uuid4."),
}
#: What writes to the database and sends no signal.
SILENT = re.compile(r"\.(bulk_create|bulk_update)\(|\bobjects\b[^#\n]*\.update\(|\._raw_delete\(")


def connect():
    """Registers the checks under the tag `waybill`."""
    register(check_models, "waybill")
    register(check_relations, "waybill")
    register(check_switch, "waybill")
    register(check_silent_writes, "waybill", deploy=True)


def check_models(app_configs, **kwargs):
    """Each registered model has what offline use needs, and is installed."""
    found = [
        Error(str(problem), hint=ERRORS[type(problem)][1], obj=model, id=f"waybill.{ERRORS[type(problem)][0]}")
        for model in site_offline_models.models()
        for problem in problems_of(model)
    ]
    # A history that is at fault is found twice: the model that has it is named.
    once = {error.msg: error for error in reversed(found)}
    return [*reversed(list(once.values())), *not_installed()]


def not_installed():
    """A warning for each registered label that is no model here. Historical ones were registered in case."""
    return [
        Warning(f"{label} is registered for offline use and is no installed model.", id="waybill.W001")
        for label in site_offline_models.registry
        if find_model(label) is None and not label.partition(".")[2].startswith("historical")
    ]


def check_relations(app_configs, **kwargs):
    """Whatever a registered record needs to be whole elsewhere travels as well."""
    return [
        warning
        for model in site_offline_models.models()
        if not is_historical(model)
        for warning in [*lost_links(model), *lost_parents(model), *numbered_parents(model)]
    ]


def lost_links(model):
    """Many-to-many sets with a model of their own between, which is not registered."""
    return [
        Warning(
            f"{model._meta.label}.{field.name} is kept in {field.remote_field.through._meta.label}, which is not registered: "
            "what is in the set does not travel.",
            hint="Register that model for offline use too.",
            obj=model,
            id="waybill.W002",
        )
        for field in model._meta.local_many_to_many
        if not field.remote_field.through._meta.auto_created and not site_offline_models.covers(field.remote_field.through)
    ]


def lost_parents(model):
    """Models whose table the model's own continues, and which are not registered."""
    return [
        Warning(
            f"{model._meta.label} continues the table of {parent._meta.label}, which is not registered: what is there does not travel.",
            hint="Register that model for offline use too.",
            obj=model,
            id="waybill.W003",
        )
        for parent in model._meta.parents
        if not site_offline_models.covers(parent)
    ]


def numbered_parents(model):
    """Foreign keys to models that are known by a number of this database alone."""
    return [
        Warning(
            f"{model._meta.label}.{field.name} names a {field.related_model._meta.label} by a number, which means another one elsewhere.",
            hint="Give that model natural_key() and get_by_natural_key(), or a UUIDField as primary key.",
            obj=model,
            id="waybill.W004",
        )
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]
        if field.is_relation
        and field.related_model
        and not hasattr(field.related_model, "natural_key")
        and field.related_model._meta.pk.get_internal_type().endswith("AutoField")
    ]


def check_switch(app_configs, **kwargs):
    """Recording is on."""
    name = switched_off_by()
    if name is None:
        return []
    hint = "What is saved meanwhile reaches no server. To pause reading and lose nothing, stop the daemon's reading instead."
    return [Warning(f"{name} is off: nothing that the app saves is recorded.", hint=hint, id="waybill.W005")]


def check_silent_writes(app_configs, **kwargs):
    """Code of apps with registered models that writes past Django's signals."""
    configs = {model._meta.app_config for model in site_offline_models.models()}
    return [
        Warning(
            f"{place}: writes without a signal; of registered models nothing of it is recorded.",
            hint="Save the records one by one, or tell of them in the same transaction with waybill_django.record.record().",
            id="waybill.W006",
        )
        for config in sorted(configs, key=lambda config: config.name)
        for place in silent_writes(Path(config.path))
    ]


def silent_writes(folder):
    """FILE:LINE of each such line; tests and migrations write for themselves."""
    sources = (path for path in sorted(folder.rglob("*.py")) if not {"tests", "migrations"} & set(path.relative_to(folder).parts))
    return [
        f"{path}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if SILENT.search(line)
    ]
