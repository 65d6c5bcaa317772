"""What the tests of the study have in common."""

import contextlib
import datetime
import json
import uuid

from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sites.models import Site
from django.db import connections, transaction
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from django.test import TransactionTestCase
from study_app.models import Crf, Subject, Symptom, Visit
from waybill_django.apply import apply_inbox
from waybill_django.models import InboxRow, OutboxRow
from waybill_django.registry import site_offline_models

#: Apps in whose tables tests leave something.
STUDY = ("study_app", "careless_app", "waybill_django")
NOON = datetime.datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=datetime.timezone.utc)


@receiver(connection_created)
def need_not_outlive_a_power_cut(connection, **kwargs):
    """Tests ask what is committed, not what outlives a power cut."""
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA synchronous = OFF")


class StudyCase(TransactionTestCase):
    """A laptop's database and a clinic's, both empty, in which transactions are real."""

    databases = {"default", "clinic"}

    def _fixture_teardown(self):
        """Empties the tables of the study. Django would empty all tables, and make anew what it put there itself: that is slow."""
        for using in self.databases:
            with transaction.atomic(using=using), connections[using].constraint_checks_disabled():
                for model in apps.get_models(include_auto_created=True):
                    if model._meta.app_label in STUDY and not model._meta.proxy:
                        model._base_manager.using(using)._raw_delete(using)
                User.objects.using(using).all()._raw_delete(using)
                Site.objects.using(using).exclude(pk=1)._raw_delete(using)

    def subject(self, name="S1", **fields):
        return Subject.objects.create(subject_identifier=name, **fields)

    def visit(self, subject=None, code="1000"):
        return Visit.objects.create(subject=subject or self.subject(), visit_code=code, report_datetime=NOON)

    def crf(self, visit=None, symptoms=(), **fields):
        crf = Crf.objects.create(visit=visit or self.visit(), **fields)
        if symptoms:
            crf.symptoms.set(self.symptoms(*symptoms))
        return crf

    def symptoms(self, *names, using="default"):
        return [Symptom.objects.using(using).get_or_create(name=name)[0] for name in names]

    def outbox(self, *models, using="default", history=False):
        """The rows that were written, of these models or of all, oldest first."""
        rows = OutboxRow.objects.using(using).order_by("position")
        if models:
            rows = rows.filter(model__in=[model._meta.concrete_model._meta.label_lower for model in models])
        return [row for row in rows if history or ".historical" not in row.model]

    def told(self, *models, using="default", history=False):
        """The same in short: (action, model's name)."""
        return [(row.action, row.model.split(".")[1]) for row in self.outbox(*models, using=using, history=history)]

    def forget(self):
        """What was written so far does not count."""
        OutboxRow.objects.all().delete()

    @contextlib.contextmanager
    def registered(self, *models):
        """These models are for offline use, for a while."""
        before = dict(site_offline_models.registry)
        site_offline_models.register([model._meta.label for model in models])
        try:
            yield
        finally:
            site_offline_models.registry = before

    def arrive(self, record, state="present", using="clinic", **columns):
        """A row of the clinic's inbox, as a server writes it."""
        values = {
            "cursor": f"1.{uuid.uuid4()}",
            "model": record._meta.label_lower,
            "pk_text": str(record.pk),
            "state": state,
            "natural_key": "[]",
            "fields": "{}",
            "change_id": str(uuid.uuid4()),
            "producer": "0" * 32,
        }
        return InboxRow.objects.using(using).create(**{**values, **columns})


class ApplyCase(StudyCase):
    """A clinic that knows the same choices as the laptop."""

    def setUp(self):
        self.symptoms("fever", "cough", "rash", using="clinic")

    def apply(self):
        """Applies what is in the clinic's inbox; nothing of it may be told again. Returns (applied, overtaken)."""
        tally = apply_inbox("clinic")
        self.assertEqual(OutboxRow.objects.using("clinic").count(), 0)
        return tally.applied, tally.overtaken

    def errors(self):
        """Why rows were refused, oldest first."""
        rows = InboxRow.objects.using("clinic").filter(applied=0).order_by("position")
        return [row.error for row in rows]


def carry():
    """What Waybill does between the two, in short: whatever the laptop told since is in the clinic's inbox."""
    carried = set(InboxRow.objects.using("clinic").values_list("change_id", flat=True))
    for row in OutboxRow.objects.order_by("position"):
        if row.change_id not in carried:
            InboxRow.objects.using("clinic").create(
                cursor=f"1.{uuid.uuid4()}",
                model=row.model,
                pk_text=row.pk_text,
                state="deleted" if row.action == "delete" else "present",
                natural_key=row.natural_key,
                fields=row.fields,
                change_id=row.change_id,
                made_by=row.made_by,
                recorded_at=row.recorded_at,
            )


def fields_in(row):
    return json.loads(row.fields)


def everything(using):
    """Every registered record with every field and set, by model."""
    return {model._meta.label_lower: sorted(map(repr, map(whole, model._base_manager.using(using)))) for model in site_offline_models.models()}


def whole(record):
    """All that the database has of a record, choices by their names."""
    values = {field.attname: getattr(record, field.attname) for field in record._meta.concrete_fields}
    sets = {field.name: sorted(str(one.natural_key()) for one in getattr(record, field.name).all()) for field in record._meta.many_to_many}
    return {**values, **sets}
