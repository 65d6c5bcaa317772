"""What the app does to its records is in the outbox."""

import datetime
import json
import tempfile
import uuid
from decimal import Decimal
from unittest import mock

from careless_app.models import Speechless, Unnamed
from django.contrib.auth.models import User
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F
from django.db.models.signals import post_save
from django.test import override_settings
from study_app.models import Clinic, Crf, DrawnRequisition, Household, Note, Requisition, Subject, Visit
from study_case import StudyCase, fields_in
from waybill_django.models import OutboxRow


class Saving(StudyCase):
    def test_an_insert_is_a_row_with_the_whole_record(self):
        site = Site.objects.create(domain="mochudi.example", name="Mochudi")
        subject = self.subject("S1", born=datetime.date(1990, 2, 3), site=site, user_created="thabo", revision="1.2-abc")
        (row,) = self.outbox()
        self.assertEqual((row.model, row.action, row.pk_text), ("study_app.subject", "insert", str(subject.pk)))
        self.assertEqual(json.loads(row.natural_key), ["S1"])
        fields = fields_in(row)
        self.assertEqual((fields["subject_identifier"], fields["born"], fields["contacts"]), ("S1", "1990-02-03", []))
        self.assertEqual(fields["site"], ["mochudi.example"])
        self.assertNotIn("id", fields)
        self.assertEqual((row.made_by, row.site, row.app_version, row.base, row.taken), ("thabo", str(site.pk), "1.2-abc", "[]", 0))
        self.assertEqual(uuid.UUID(row.change_id).version, 4)
        recorded = datetime.datetime.fromisoformat(row.recorded_at)
        self.assertEqual(recorded.utcoffset(), datetime.timedelta(0))
        self.assertLess(abs(datetime.datetime.now(datetime.timezone.utc) - recorded), datetime.timedelta(minutes=5))

    def test_an_update_tells_the_whole_record_and_who_did_it(self):
        subject = self.subject(user_created="thabo")
        subject.initials = "AB"
        subject.user_modified = "neo"
        subject.save()
        insert, update = self.outbox()
        self.assertEqual((update.action, update.made_by), ("update", "neo"))
        self.assertEqual(fields_in(update)["subject_identifier"], "S1")
        self.assertNotEqual(insert.change_id, update.change_id)

    def test_only_what_was_saved_is_told(self):
        subject = self.subject(initials="AB")
        subject.initials, subject.born = "XX", datetime.date(2000, 1, 1)
        subject.save(update_fields=["born"])
        self.assertEqual((fields_in(self.outbox()[-1])["initials"], fields_in(self.outbox()[-1])["born"]), ("AB", "2000-01-01"))

    def test_an_expression_is_told_by_its_value(self):
        requisition = Requisition.objects.create(requisition_identifier="R1", visit=self.visit(), item_count=2)
        requisition.item_count = F("item_count") + 1
        requisition.save()
        self.assertEqual(fields_in(self.outbox(Requisition)[-1])["item_count"], 3)

    def test_text_given_for_another_type_is_told_as_it_is_stored(self):
        subject = self.subject(born="1990-02-03")
        crf = self.crf(self.visit(subject), weight="61.5")
        self.assertEqual(fields_in(self.outbox(Crf)[0])["weight"], "61.50")
        self.assertEqual(Crf.objects.get(pk=crf.pk).weight, Decimal("61.50"))

    def test_parents_are_named_by_natural_key_and_keys_are_flat(self):
        crf = self.crf()
        Requisition.objects.create(requisition_identifier="R1", visit=crf.visit, crf=crf)
        crf_row, requisition_row = self.outbox(Crf)[0], self.outbox(Requisition)[0]
        self.assertEqual(json.loads(crf_row.natural_key), ["S1", "1000"])
        self.assertEqual(fields_in(crf_row)["visit"], ["S1", "1000"])
        self.assertEqual(fields_in(requisition_row)["crf"], ["S1", "1000"])

    def test_microseconds_and_every_alphabet_are_kept(self):
        self.crf(notes="Kgotlelelo \u00e9\u4e2d\U0001f600 \\ \" \u2028 \x07")
        self.assertEqual(fields_in(self.outbox(Crf)[0])["notes"], "Kgotlelelo \u00e9\u4e2d\U0001f600 \\ \" \u2028 \x07")
        self.assertTrue(self.outbox(Crf)[0].fields.isascii())
        self.assertEqual(fields_in(self.outbox(Visit)[0])["report_datetime"], "2026-03-04T12:00:00.123456Z")

    def test_get_or_create_and_update_or_create(self):
        Subject.objects.get_or_create(subject_identifier="S1")
        Subject.objects.get_or_create(subject_identifier="S1")
        Subject.objects.update_or_create(subject_identifier="S1", defaults={"initials": "AB"})
        self.assertEqual(self.told(), [("insert", "subject"), ("update", "subject")])

    def test_another_face_of_a_table_is_the_same_model(self):
        visit = self.visit()
        self.forget()
        proxy = DrawnRequisition.objects.create(requisition_identifier="R1", visit=visit)
        proxy.delete()
        self.assertEqual(self.told(), [("insert", "requisition"), ("delete", "requisition")])

    def test_a_table_that_continues_another_is_two_records(self):
        clinic = Clinic.objects.create(name="Mochudi", beds=4)
        clinic.beds = 5
        clinic.save()
        clinic.delete()
        self.assertEqual(
            self.told(Household, Clinic),
            [
                ("insert", "household"),
                ("insert", "clinic"),
                ("update", "household"),
                ("update", "clinic"),
                ("delete", "clinic"),
                ("delete", "household"),
            ],
        )
        household, part = self.outbox(Household, Clinic)[:2]
        self.assertEqual((fields_in(household)["name"], fields_in(part)), ("Mochudi", {"beds": 4}))

    def test_what_is_not_registered_is_not_told(self):
        Note.objects.create(text="call back").delete()
        self.symptoms("fever")
        self.assertEqual(self.told(history=True), [])

    def test_each_database_has_its_own_outbox(self):
        subject = Subject(subject_identifier="S1")
        subject.save(using="clinic")
        self.assertEqual((self.told(), self.told(using="clinic")), ([], [("insert", "subject")]))

    def test_a_change_of_what_arrived_is_made_upon_it(self):
        subject = self.subject()
        self.forget()
        for number, applied in ((1, 1), (2, 1), (3, 0)):
            self.arrive(subject, using="default", cursor=f"1.{number}", change_id=f"change-{number}", applied=applied)
        subject.save()
        self.assertEqual(json.loads(self.outbox()[0].base), ["change-2"])

    def test_a_migrations_picture_of_a_model_is_not_the_app(self):
        state = MigrationExecutor(connections["default"]).loader.project_state().apps
        self.assertEqual(state.get_model("waybill_django", "OutboxRow")._meta.apps, state)
        with mock.patch.object(Subject._meta, "apps", state):
            self.subject()
        self.assertEqual(self.told(), [])

    def test_a_model_that_is_unfit_is_recorded_all_the_same(self):
        with self.registered(Unnamed, Speechless), self.assertLogs("waybill_django", "ERROR"):
            Unnamed.objects.create(name="a")
            Speechless.objects.create(name="b")
        self.assertEqual([(row.model, row.natural_key) for row in self.outbox()], [("careless_app.unnamed", "[]"), ("careless_app.speechless", "[]")])

    def test_switches_stop_recording_and_nothing_else(self):
        for name in ("WAYBILL_RECORDING", "ALLOW_MODEL_SERIALIZATION", "DJANGO_COLLECT_OFFLINE_ENABLED"):
            with override_settings(**{name: False}):
                subject = self.subject(name)
                subject.contacts.add(subject)
                subject.delete()
        self.assertEqual(self.told(history=True), [])

    def test_a_fixture_is_no_deed_and_waybill_record_tells_of_it(self):
        subject = self.subject()
        with tempfile.NamedTemporaryFile("w", suffix=".json") as fixture:
            call_command("dumpdata", "study_app.subject", stdout=fixture)
            fixture.flush()
            Subject.objects.all().delete()
            self.forget()
            call_command("loaddata", fixture.name, verbosity=0)
        self.assertEqual((Subject.objects.count(), self.told(history=True)), (1, []))
        call_command("waybill_record", "study_app.subject", stdout=tempfile.TemporaryFile("w"))
        self.assertEqual([(row.action, row.pk_text) for row in self.outbox()], [("insert", str(subject.pk))])

    @override_settings(WAYBILL_APP_VERSION="7.1")
    def test_the_apps_version_may_be_a_setting(self):
        self.subject(revision="1")
        self.assertEqual(self.outbox()[0].app_version, "7.1")


class History(StudyCase):
    def test_each_entry_of_a_history_is_a_record(self):
        user = User.objects.create_user("neo")
        subject = self.subject()
        subject._history_user, subject._change_reason = user, "misspelt"
        subject.save()
        subject.delete()
        entries = [row for row in self.outbox(history=True) if row.model == "study_app.historicalsubject"]
        self.assertEqual([row.action for row in entries], ["insert"] * 3)
        self.assertEqual([fields_in(row)["history_type"] for row in entries], ["+", "~", "-"])
        self.assertEqual([(row.made_by, row.reason) for row in entries[1:]], [("neo", "misspelt")] * 2)
        self.assertEqual(json.loads(entries[0].natural_key), [entries[0].pk_text])
        self.assertEqual(fields_in(entries[0])["id"], str(subject.pk or self.outbox()[0].pk_text))
        update, delete = self.outbox()[1:]
        self.assertEqual((update.made_by, update.reason, delete.made_by), ("neo", "misspelt", "neo"))

    def test_an_entry_may_outlive_the_parent_that_it_names(self):
        visit = self.visit()
        subject_pk = visit.subject.pk
        entry = Visit.history.model.objects.get()
        visit.delete()
        Subject.objects.get(pk=subject_pk).delete()
        self.forget()
        entry.save()
        (row,) = self.outbox(history=True)
        self.assertEqual(fields_in(row)["subject"], str(subject_pk))


class Deleting(StudyCase):
    def test_a_delete_says_which_record_it_was(self):
        subject = self.subject(user_modified="thabo")
        pk = str(subject.pk)
        subject.delete()
        row = self.outbox()[-1]
        self.assertEqual((row.action, row.pk_text, row.natural_key, row.fields, row.made_by), ("delete", pk, '["S1"]', "{}", ""))

    def test_what_goes_with_it_is_told_first(self):
        crf = self.crf()
        self.forget()
        crf.visit.delete()
        self.assertEqual(self.told(), [("delete", "crf"), ("delete", "visit")])
        self.assertEqual([json.loads(row.natural_key) for row in self.outbox()], [["S1", "1000"]] * 2)

    def test_a_foreign_key_that_it_empties_is_an_update_before(self):
        crf = self.crf()
        requisition = Requisition.objects.create(requisition_identifier="R1", visit=self.visit(crf.visit.subject, "1010"), crf=crf)
        self.forget()
        crf.delete()
        self.assertEqual(self.told(), [("update", "requisition"), ("delete", "crf")])
        self.assertEqual(fields_in(self.outbox()[0])["crf"], None)
        requisition.refresh_from_db()
        self.assertIsNone(requisition.crf)

    def test_what_is_deleted_as_well_is_not_brought_back(self):
        crf = self.crf()
        requisition = Requisition.objects.create(requisition_identifier="R1", visit=crf.visit, crf=crf)
        self.forget()
        crf.visit.delete()
        last = [row.action for row in self.outbox() if row.pk_text == str(requisition.pk)][-1]
        self.assertEqual((last, Requisition.objects.count()), ("delete", 0))

    def test_a_queryset_tells_of_each(self):
        for name in ("S1", "S2", "S3"):
            self.subject(name)
        self.forget()
        Subject.objects.exclude(subject_identifier="S2").delete()
        self.assertEqual(self.told(), [("delete", "subject")] * 2)


class OneTransaction(StudyCase):
    def test_what_is_rolled_back_leaves_no_row(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            self.crf(symptoms=["fever"])
            1 / 0
        self.assertEqual((Subject.objects.count(), OutboxRow.objects.count()), (0, 0))

    def test_so_does_a_savepoint(self):
        with transaction.atomic():
            self.subject("S1")
            with self.assertRaises(ZeroDivisionError), transaction.atomic():
                self.subject("S2")
                1 / 0
        self.assertEqual([json.loads(row.natural_key) for row in self.outbox()], [["S1"]])

    def test_a_record_without_its_row_is_never_committed(self):
        with mock.patch("waybill_django.outbox.write_rows", side_effect=ZeroDivisionError):
            with self.assertRaises(ZeroDivisionError):
                self.subject()
        self.assertEqual((Subject.objects.count(), OutboxRow.objects.count()), (0, 0))

    def test_a_link_without_its_row_is_never_committed(self):
        crf = self.crf()
        with mock.patch("waybill_django.outbox.write_rows", side_effect=ZeroDivisionError), self.assertRaises(ZeroDivisionError):
            crf.symptoms.add(*self.symptoms("fever"))
        self.assertEqual(crf.symptoms.count(), 0)

    def test_a_delete_without_its_row_is_never_committed(self):
        subject = self.subject()
        with mock.patch("waybill_django.outbox.write_rows", side_effect=ZeroDivisionError), self.assertRaises(ZeroDivisionError):
            subject.delete()
        self.assertEqual(Subject.objects.count(), 1)

    def test_a_transaction_of_the_app_stays_as_usable_as_it_was(self):
        def refuse(**kwargs):
            raise ZeroDivisionError

        post_save.connect(refuse, sender=Note)
        post_save.connect(refuse, sender=Subject)
        self.addCleanup(post_save.disconnect, refuse, sender=Note)
        self.addCleanup(post_save.disconnect, refuse, sender=Subject)
        for make in (lambda: Note.objects.create(text="a"), self.subject):
            with transaction.atomic():
                with self.assertRaises(ZeroDivisionError):
                    make()
                self.assertGreaterEqual(Note.objects.count(), 0)
