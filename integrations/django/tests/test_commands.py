"""manage.py waybill_registry, waybill_record, migrate."""

import io
import json
import tempfile
from pathlib import Path

from django.core.management import CommandError, call_command
from django.db import connections
from django.test import override_settings
from study_app.models import Household, Requisition, Subject
from study_case import StudyCase, carry, everything, fields_in
from waybill_django.apply import apply_inbox
from waybill_django.models import InboxPosition, InboxRow, OutboxRow
from waybill_django.record import record


def said(name, *args, **options):
    out = io.StringIO()
    call_command(name, *args, stdout=out, **options)
    return out.getvalue()


class WritingTheRegistry(StudyCase):
    def test_the_models_say_what_applying_needs(self):
        models = json.loads(said("waybill_registry"))["models"]
        self.assertEqual(len(models), 10)
        self.assertEqual(
            models["study_app.crf"],
            {
                "label": "crf",
                "naturalKey": ["visit__subject__subject_identifier", "visit__visit_code"],
                "dependsOn": {"visit": "study_app.visit"},
                "history": True,
                "offline": True,
                "hidden": [],
            },
        )
        self.assertEqual(models["study_app.historicalvisit"]["naturalKey"], ["history_id"])
        self.assertEqual(models["study_app.historicalvisit"]["dependsOn"], {})
        self.assertEqual(models["study_app.subject"]["dependsOn"], {"contacts": "study_app.subject"})

    def test_keys_have_as_many_parts_as_the_registry_says(self):
        models = json.loads(said("waybill_registry"))["models"]
        crf = self.crf(symptoms=["fever"])
        Requisition.objects.create(requisition_identifier="R1", visit=crf.visit)
        Household.objects.create(name="A").members.add(crf.visit.subject)
        rows = self.outbox(history=True)
        self.assertEqual(len({row.model for row in rows}), 9)
        for row in rows:
            self.assertEqual(len(json.loads(row.natural_key)), len(models[row.model]["naturalKey"]), row.model)
            self.assertLessEqual(set(models[row.model]["dependsOn"]), set(fields_in(row)))

    def test_what_people_wrote_is_kept(self):
        mapping = {"identifier": "requisition_identifier", "subject": "subject_identifier", "stabilityMinutes": 240}
        study = {
            "name": "A study",
            "models": {
                "study_app.requisition": {"requisition": mapping, "naturalKey": ["old"], "hidden": ["item_count"]},
                "other.model": {"naturalKey": []},
            },
            "reasons": [],
        }
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "study.json"
            path.write_text(json.dumps(study))
            self.assertIn("11 models in", said("waybill_registry", str(path)))
            first = path.read_text()
            said("waybill_registry", str(path))
            self.assertEqual(path.read_text(), first)
            self.assertEqual(list(Path(folder).iterdir()), [path])
        written = json.loads(first)
        self.assertEqual((written["name"], written["reasons"]), ("A study", []))
        requisition = written["models"]["study_app.requisition"]
        self.assertEqual((requisition["requisition"], requisition["hidden"]), (mapping, ["item_count"]))
        self.assertEqual(requisition["naturalKey"], ["requisition_identifier"])
        self.assertEqual(written["models"]["other.model"], {"naturalKey": []})

    def test_a_file_that_is_no_study_is_left_alone(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            for text in ("{", "[]", '{"models": []}'):
                file.seek(0)
                file.truncate()
                file.write(text)
                file.flush()
                self.assertRaises(CommandError, call_command, "waybill_registry", file.name)
                self.assertEqual(Path(file.name).read_text(), text)


class RecordingWhatIsThere(StudyCase):
    def test_records_from_before_are_told_once(self):
        crf = self.crf(symptoms=["fever"])
        one, two = self.subject("S2"), self.subject("S3")
        one.contacts.add(two)
        self.forget()
        self.symptoms("fever", using="clinic")
        said("waybill_record")
        rows = self.outbox()
        self.assertEqual({row.action for row in rows if row.pk_text == str(crf.pk)}, {"insert"})
        # Each of two that name each other is there before either names the other.
        first = [(row.action, fields_in(row)["contacts"]) for row in self.outbox(Subject)]
        self.assertEqual(sorted(first), [("insert", [])] * 3 + [("update", [["S2"]]), ("update", [["S3"]])])
        self.assertEqual(said("waybill_record").splitlines()[-1], "0 changes written")
        carry()
        apply_inbox("clinic")
        self.assertEqual(everything("clinic"), everything("default"))

    def test_two_computers_that_have_the_same_record_tell_the_same(self):
        crf = self.crf(symptoms=["fever"])
        one = self.subject("S2", revision="1.2")
        one.contacts.add(crf.visit.subject)
        self.symptoms("fever", using="clinic")
        carry()
        apply_inbox("clinic")
        self.forget()
        with override_settings(WAYBILL_APP_VERSION="laptop"):
            said("waybill_record")
        InboxRow.objects.using("clinic").all().delete()
        with override_settings(SITE_ID=2, WAYBILL_APP_VERSION="clinic"):
            said("waybill_record", database="clinic")

        def told(using):
            rows = OutboxRow.objects.using(using).values().order_by("change_id")
            return [{name: value for name, value in row.items() if name != "position"} for row in rows]

        self.assertEqual(told("default"), told("clinic"))
        self.assertEqual(len({row["change_id"] for row in told("default")}), OutboxRow.objects.count())
        one.modified = one.created
        one.save()
        said("waybill_record")
        self.assertEqual(self.outbox(Subject)[-1].action, "update")

    def test_bulk_writes_are_told_by_the_app(self):
        subjects = Subject.objects.bulk_create([Subject(subject_identifier=f"S{number}") for number in range(3)])
        self.assertEqual(self.told(), [])
        self.assertEqual(record(subjects), 3)
        Subject.objects.filter(subject_identifier="S1").update(initials="AB")
        self.assertEqual(record(Subject.objects.all()), 1)
        self.assertEqual([row.action for row in self.outbox()], ["insert"] * 3 + ["update"])
        self.assertEqual(fields_in(self.outbox()[-1])["initials"], "AB")

    def test_a_record_that_came_back_is_told(self):
        subject = self.subject()
        pk = subject.pk
        subject.delete()
        Subject.objects.bulk_create([Subject(pk=pk, subject_identifier="S1")])
        said("waybill_record", "study_app.subject")
        self.assertEqual([row.action for row in self.outbox()], ["insert", "delete", "update"])

    def test_only_what_is_registered(self):
        for label in ("study_app.note", "study_app.nothing"):
            self.assertRaises(CommandError, call_command, "waybill_record", label)
        with override_settings(WAYBILL_RECORDING=False):
            self.assertRaises(CommandError, call_command, "waybill_record")

    def test_more_than_one_transaction_of_them(self):
        Subject.objects.bulk_create([Subject(subject_identifier=f"S{number}") for number in range(1001)])
        said("waybill_record", "study_app.subject")
        self.assertEqual(OutboxRow.objects.count(), 1001)


class Migrating(StudyCase):
    def tables(self):
        return {name for name in connections["default"].introspection.table_names() if name.startswith("waybill")}

    def migrate(self, target):
        call_command("migrate", "waybill_django", target, verbosity=0)

    def test_there_and_back_and_there(self):
        everything_there = {"waybill_outbox", "waybill_inbox", "waybill_position"}
        self.assertEqual(self.tables(), everything_there)
        self.migrate("zero")
        self.assertEqual(self.tables(), set())
        self.migrate("0001")
        self.assertEqual(self.tables(), everything_there)
        self.crf()
        self.assertEqual(OutboxRow.objects.filter(model="study_app.crf", action="insert").count(), 1)

    def test_tables_that_somebody_made_by_hand_are_taken_over(self):
        call_command("migrate", "waybill_django", "zero", fake=True, verbosity=0)
        self.subject()
        self.migrate("0001")
        self.assertEqual(OutboxRow.objects.filter(action="insert", model="study_app.subject").count(), 1)

    def test_the_tables_are_as_the_models_say(self):
        call_command("makemigrations", "waybill_django", check=True, dry_run=True, verbosity=0)
        with connections["default"].cursor() as cursor:
            for model in (OutboxRow, InboxRow, InboxPosition):
                described = connections["default"].introspection.get_table_description(cursor, model._meta.db_table)
                null_ok = {column.name: bool(column.null_ok) for column in described}
                fields = [field for field in model._meta.concrete_fields if not field.primary_key]
                self.assertEqual({field.column: null_ok[field.column] for field in fields}, {field.column: field.null for field in fields})
