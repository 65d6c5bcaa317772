"""What can be wrong with a model, with its registration, or with a row of the inbox: an exception each."""


class NaturalKeyMissing(Exception):
    """The model has no method natural_key()."""


class GetByNaturalKeyMissing(Exception):
    """The model's manager has no method get_by_natural_key()."""


class UuidPrimaryKeyMissing(Exception):
    """The primary key is not a UUIDField: two laptops would give one number to two records."""


class HistoryIdNotUuid(Exception):
    """The history of the model is numbered: two laptops would give one number to two entries."""


class AlreadyRegistered(Exception):
    """The model is registered for offline use twice."""


class ModelNotRegistered(Exception):
    """The model is not registered for offline use."""


class RowRefused(Exception):
    """A row of the inbox cannot be applied as it is. Its text says why, for people."""


class ParentMissing(RowRefused):
    """The row names a record that is not here."""


class DuplicateRecord(RowRefused):
    """Another record here bears the natural key of the row."""
