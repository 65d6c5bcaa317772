"""Records that change because another one does: they own a many-to-many set, or a foreign key that a delete empties."""

from django.db import models

from .registry import site_offline_models

#: Deletes that leave the record which points as it is, or delete it as well.
TOLD = (models.CASCADE, models.PROTECT, models.RESTRICT, models.DO_NOTHING)


class Link:
    """The link between a record and others that Django tells of: which many-to-many field it is, and from which end it was changed."""

    def __init__(self, through, record, reverse, model):
        self.through = through
        self.record = record
        self.reverse = reverse
        self.field = many_to_many_field(through, model if reverse else type(record))

    @property
    def matters(self):
        """Whether a registered record is changed by it."""
        covers = site_offline_models.covers
        return self.field is not None and (covers(self.field.model) or covers(self.through))

    def rows(self, using):
        """The rows that link the record now."""
        return self.through._base_manager.using(using).filter(**{self.near: self.record.pk})

    def linked_pks(self, using):
        """The pks at the other end of each."""
        return list(self.rows(using).values_list(self.far, flat=True))

    @property
    def owned(self):
        """Whether the set is told with a registered record; a set in a model of its own is told by that model's records."""
        return self.through._meta.auto_created and site_offline_models.covers(self.field.model)

    @property
    def near(self):
        """What the link calls the record."""
        return self.field.m2m_reverse_field_name() if self.reverse else self.field.m2m_field_name()

    @property
    def far(self):
        """What the link calls the others."""
        return self.field.m2m_field_name() if self.reverse else self.field.m2m_reverse_field_name()


def many_to_many_field(through, model):
    """The field of the model, its own or inherited, whose rows are of `through`; None where it has none."""
    return next((field for field in model._meta.many_to_many if field.remote_field.through is through), None)


def owners_of_deleted(record, using):
    """Who is about to change because the record is deleted: of those Django tells nobody. [(model, pk)]"""
    return [
        (relation.related_model, pk)
        for relation in record._meta.concrete_model._meta.get_fields(include_hidden=True)
        if relation.auto_created and not relation.concrete and site_offline_models.covers(relation.related_model)
        for pk in pointing(relation, record, using)
    ]


def pointing(relation, record, using):
    """The pks of the records whose own fields a delete changes through this relation."""
    if relation.many_to_many:
        if not relation.through._meta.auto_created:
            return []
        links = relation.through._base_manager.using(using)
        near, far = relation.field.m2m_reverse_field_name(), relation.field.m2m_field_name()
        return list(links.filter(**{near: record.pk}).values_list(far, flat=True))
    if relation.on_delete in TOLD:
        return []
    records = relation.related_model._base_manager.using(using)
    return list(records.filter(**{relation.field.name: record.pk}).values_list("pk", flat=True))
