"""Models that are not fit for offline use, each in another way. No offline_models.py names them: tests do."""

import uuid

from django.db import models


class KeyManager(models.Manager):
    def get_by_natural_key(self, name):
        return self.get(name=name)


class Careless(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=50)

    class Meta:
        abstract = True


class Unnamed(Careless):
    """Has no natural_key()."""

    objects = KeyManager()


class Unfindable(Careless):
    """Has no get_by_natural_key()."""

    def natural_key(self):
        return (self.name,)


class Numbered(models.Model):
    """Its primary key is a number."""

    name = models.CharField(max_length=50)
    objects = KeyManager()

    def natural_key(self):
        return (self.name,)


class HistoricalMisremembered(models.Model):
    """A history whose entries are numbered."""

    history_id = models.AutoField(primary_key=True)


class Misremembered(Careless):
    """Its history is numbered."""

    objects = KeyManager()

    def natural_key(self):
        return (self.name,)


class History:
    model = HistoricalMisremembered


Misremembered.history = History()


class Speechless(Careless):
    """Its natural_key() fails, and it names what is known by a number only."""

    number = models.ForeignKey(HistoricalMisremembered, null=True, on_delete=models.SET_NULL)
    objects = KeyManager()

    def natural_key(self):
        raise RuntimeError("it does not come to mind")


class LinkedThrough(Careless):
    """Keeps a set in a model of its own."""

    others = models.ManyToManyField(Unnamed, through="Between")
    objects = KeyManager()

    def natural_key(self):
        return (self.name,)


class Between(Careless):
    one = models.ForeignKey(LinkedThrough, on_delete=models.CASCADE)
    other = models.ForeignKey(Unnamed, on_delete=models.CASCADE)
