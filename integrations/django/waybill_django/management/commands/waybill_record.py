"""manage.py waybill_record"""

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers import sort_dependencies
from django.db import DEFAULT_DB_ALIAS

from ...record import record_model
from ...recording import switched_off_by
from ...registry import find_model, site_offline_models


class Command(BaseCommand):
    """Tells of every record as it is now: those that were here before Waybill, and what fixtures and bulk writes did."""

    help = "Writes into the outbox how the records of registered models are now, where it does not say the same already."

    def add_arguments(self, parser):
        parser.add_argument("models", nargs="*", help="app_label.modelname; without any, all that are registered")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database, else `default`")

    def handle(self, *args, **options):
        if switched_off_by():
            raise CommandError(f"recording is off ({switched_off_by()})")
        written = 0
        for model in parents_first(chosen(options["models"])):
            rows = record_model(model, options["database"])
            written += rows
            self.stdout.write(f"{model._meta.label_lower}: {rows}")
        self.stdout.write(f"{written} changes written")


def chosen(labels):
    """The models of these labels, else all. Raises CommandError for one that is not registered."""
    if not labels:
        return site_offline_models.models()
    models = [find_model(label) for label in labels]
    for label, model in zip(labels, models):
        if model is None or not site_offline_models.covers(model):
            raise CommandError(f"{label} is not registered for offline use")
    return [model._meta.concrete_model for model in models]


def parents_first(models):
    """The models in the order of their natural_key.dependencies; as they were registered where those go round in a circle."""
    try:
        return sort_dependencies([(None, models)])
    except RuntimeError:
        return models
