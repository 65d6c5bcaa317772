"""A row of the inbox, read."""

import json

from .errors import RowRefused
from .registry import find_model


class ArrivedChange:
    """What the row says, with its model; hooks are given this. Raises RowRefused where the row says nothing that is known here."""

    def __init__(self, row, using):
        self.row = row
        self.using = using
        self.state = row.state
        self.pk_text = row.pk_text
        self.model = find_model(row.model)
        if self.model is None:
            raise RowRefused(f"this app has no model {row.model}")
        self.fields = read_json(row.fields, dict, "fields")
        self.natural_key = read_json(row.natural_key, list, "natural_key")
        self.pk = self.read_pk(row.pk_text)

    def read_pk(self, text):
        """A pk of the model. Raises RowRefused where it can be none."""
        try:
            return self.model._meta.pk.to_python(text)
        except Exception as error:
            raise RowRefused(f"{text} is no pk of {self.row.model}") from error

    def existing(self, pk=None):
        """The record of that pk, else of the change's own, as it is here; None where it is not."""
        return self.model._base_manager.using(self.using).filter(pk=self.pk if pk is None else pk).first()


def read_json(text, kind, name):
    """The JSON of a column. Raises RowRefused where it is none, or of another kind."""
    try:
        value = json.loads(text or "null")
    except ValueError as error:
        raise RowRefused(f"{name} is no JSON: {error}") from error
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise RowRefused(f"{name} is not a JSON {'object' if kind is dict else 'array'}")
    return value
