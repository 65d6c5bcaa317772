"""What the models of a study have in common, as BaseUuidModel had it."""

import uuid

from django.db import models


class BaseUuidModel(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)
    user_created = models.CharField(max_length=50, blank=True, default="")
    user_modified = models.CharField(max_length=50, blank=True, default="")
    revision = models.CharField(max_length=75, blank=True, null=True)

    class Meta:
        abstract = True


class NaturalKeyManager(models.Manager):
    """Finds a record by the fields that make its natural key."""

    def __init__(self, *names):
        super().__init__()
        self.names = names

    def get_by_natural_key(self, *key):
        return self.get(**dict(zip(self.names, key)))
