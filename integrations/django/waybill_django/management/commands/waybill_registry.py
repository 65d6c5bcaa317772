"""manage.py waybill_registry"""

import json
import os
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from ...registry_document import registry_document


class Command(BaseCommand):
    """Writes what the study configuration has to know of this app's models."""

    help = "Writes the models that are registered for offline use as the study configuration (`waybill study show`) holds them."

    def add_arguments(self, parser):
        parser.add_argument("file", nargs="?", help="study configuration in JSON: its `models` are brought up to date; without it, they are printed")

    def handle(self, *args, **options):
        path = Path(options["file"]) if options["file"] else None
        study = read_study(path) if path and path.exists() else {}
        models = registry_document(study.get("models", {}))
        text = json.dumps({**study, "models": models}, indent=2, ensure_ascii=False) + "\n"
        if path is None:
            self.stdout.write(text)
            return
        write_whole(path, text)
        self.stdout.write(f"{len(models)} models in {path}")


def read_study(path):
    """The study configuration. Raises CommandError where it is none."""
    try:
        study = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}") from error
    if not isinstance(study, dict) or not isinstance(study.get("models", {}), dict):
        raise CommandError(f"{path} is no study configuration: it is a JSON object, and so are its `models`")
    return study


def write_whole(path, text):
    """Replaces the file at once, so that nobody ever reads half of it."""
    beside = path.with_name(f".{path.name}.new")
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
