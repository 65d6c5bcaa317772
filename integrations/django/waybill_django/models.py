"""The three tables as Django sees them. What makes them is the SQL in sql/, which the other programs of Waybill use too."""

from django.db import models


class OutboxRow(models.Model):
    """An insert, update or delete of one record, in the order in which it was made. The field laptop's daemon takes it from here."""

    position = models.BigAutoField(primary_key=True)
    change_id = models.CharField(max_length=200, unique=True)
    model = models.CharField(max_length=200)
    action = models.CharField(max_length=6)
    pk_text = models.CharField(max_length=200, db_column="pk")
    natural_key = models.TextField(default="[]")
    fields = models.TextField(default="{}")
    base = models.TextField(default="[]")
    made_by = models.CharField(max_length=200, default="", blank=True)
    recorded_at = models.CharField(max_length=40)
    reason = models.CharField(max_length=1000, null=True, blank=True)
    site = models.CharField(max_length=200, null=True, blank=True)
    app_version = models.CharField(max_length=200, null=True, blank=True)
    taken = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "waybill_outbox"

    def __str__(self):
        return f"{self.action} {self.model} {self.pk_text}"


class InboxRow(models.Model):
    """What a record is like at the server, a row each time that has changed. waybill_apply makes it a record of the app."""

    position = models.BigAutoField(primary_key=True)
    cursor = models.CharField(max_length=80, unique=True)
    model = models.CharField(max_length=200)
    pk_text = models.CharField(max_length=200, db_column="pk")
    state = models.CharField(max_length=8)
    merged_into = models.CharField(max_length=200, null=True)
    natural_key = models.TextField()
    fields = models.TextField()
    change_id = models.CharField(max_length=200, null=True)
    digest = models.CharField(max_length=64, null=True)
    producer = models.CharField(max_length=32, null=True)
    batch = models.CharField(max_length=64, null=True)
    made_by = models.CharField(max_length=200, null=True)
    recorded_at = models.CharField(max_length=40, null=True)
    conflict = models.SmallIntegerField(default=0)
    applied = models.SmallIntegerField(default=0)
    error = models.TextField(null=True)

    class Meta:
        db_table = "waybill_inbox"

    def __str__(self):
        return f"{self.state} {self.model} {self.pk_text}"


class InboxPosition(models.Model):
    """How far a server has filled the inbox."""

    name = models.CharField(max_length=100, primary_key=True)
    cursor = models.CharField(max_length=80)

    class Meta:
        db_table = "waybill_position"

    def __str__(self):
        return f"{self.name} {self.cursor}"
