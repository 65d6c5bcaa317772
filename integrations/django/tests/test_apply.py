"""What arrived becomes the clinic's own records."""

import io
import json
import threading
from unittest import mock

from django.core.management import call_command
from django.db import connections
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete
from django.test import override_settings
from study_app.models import Clinic, Crf, Household, Membership, Requisition, Subject
from study_case import ApplyCase, NOON, carry, everything
from waybill_django import apply as applying
from waybill_django.apply import apply_inbox
from waybill_django.models import InboxRow, OutboxRow


class WholeDays(ApplyCase):
    def test_the_clinic_has_what_the_laptop_has(self):
        crf = self.crf(symptoms=["fever", "rash"], weight="61.50", notes="\u4e2d\U0001f600")
        Requisition.objects.create(requisition_identifier="R1", visit=crf.visit, crf=crf, drawn_datetime=NOON)
        household = Clinic.objects.create(name="Mochudi", beds=4)
        household.members.add(crf.visit.subject)
        household.neighbours.add(Household.objects.create(name="next"))
        other = self.subject("S2")
        other.contacts.add(crf.visit.subject)
        carry()
        self.apply()
        self.assertEqual(everything("clinic"), everything("default"))
        self.assertEqual(Crf.objects.using("clinic").count(), 1)

        crf.symptoms.set(self.symptoms("cough"))
        crf.visit.subject.initials = "XY"
        crf.visit.subject.save()
        other.contacts.clear()
        carry()
        self.apply()
        self.assertEqual(everything("clinic"), everything("default"))

        crf.symptoms.clear()
        other.delete()
        crf.delete()
        household.delete()
        carry()
        self.apply()
        self.assertEqual(everything("clinic"), everything("default"))
        self.assertEqual((Crf.objects.using("clinic").count(), Membership.objects.using("clinic").count(), self.errors()), (0, 0, []))

    def test_applying_twice_is_applying_once(self):
        self.crf(symptoms=["fever"])
        carry()
        self.assertEqual(self.apply()[0], InboxRow.objects.using("clinic").count())
        before = everything("clinic")
        self.assertEqual(self.apply(), (0, 0))
        self.assertEqual(everything("clinic"), before)

    def test_times_are_as_the_laptop_said(self):
        subject = self.subject()
        carry()
        self.apply()
        arrived = Subject.objects.using("clinic").get()
        self.assertEqual((arrived.created, arrived.modified), (Subject.objects.get().created, Subject.objects.get().modified))
        self.assertEqual(arrived.pk, subject.pk)

    def test_the_apps_own_signals_see_no_deed(self):
        seen = []

        def see(sender, raw=False, **kwargs):
            if sender._meta.app_label == "study_app" and not raw:
                seen.append(sender)

        for signal in (post_save, pre_delete, post_delete, m2m_changed):
            signal.connect(see)
            self.addCleanup(signal.disconnect, see)
        crf = self.crf(symptoms=["fever"])
        crf.delete()
        seen.clear()
        carry()
        self.apply()
        self.assertEqual(seen, [])

    def test_history_comes_from_the_laptop_alone(self):
        subject = self.subject()
        subject.save()
        subject.delete()
        carry()
        self.apply()
        entries = Subject.history.model.objects.using("clinic").order_by("history_date")
        self.assertEqual([entry.history_type for entry in entries], ["+", "~", "-"])


class ExactlyOnce(ApplyCase):
    def test_killed_between_the_record_and_its_mark(self):
        self.crf(symptoms=["fever"])
        carry()
        total = InboxRow.objects.using("clinic").count()
        for step in ("save_base", "set_links"):
            with mock.patch(f"waybill_django.apply_change.{'models.Model.' if step == 'save_base' else ''}{step}", side_effect=KeyboardInterrupt):
                with self.assertRaises(KeyboardInterrupt):
                    apply_inbox("clinic")
            marked = InboxRow.objects.using("clinic").filter(applied=1).count()
            here = sum(len(records) for records in everything("clinic").values())
            self.assertLess(marked, total)
            self.assertLessEqual(here, marked)
        self.apply()
        self.assertEqual(everything("clinic"), everything("default"))

    def test_a_mark_that_cannot_be_written_leaves_no_record(self):
        self.subject()
        carry()
        with mock.patch.object(applying, "apply_change", wraps=applying.apply_change) as apply_change:
            self.apply()
            calls = apply_change.call_count
            InboxRow.objects.using("clinic").update(applied=1)
            for row in InboxRow.objects.using("clinic").all():
                self.assertEqual(applying.apply_row(row, "clinic"), applying.TAKEN)
            self.assertEqual(apply_change.call_count, calls)

    def test_two_at_once(self):
        for number in range(20):
            self.subject(f"S{number}")
        carry()
        tallies = []

        def run():
            tallies.append(apply_inbox("clinic"))
            connections.close_all()

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sum(tally.applied for tally in tallies), 40)
        self.assertEqual(everything("clinic"), everything("default"))


class Commands(ApplyCase):
    def run_command(self, name, **options):
        out = io.StringIO()
        call_command(name, stdout=out, **options)
        return out.getvalue()

    def test_apply_says_what_it_did(self):
        self.subject()
        carry()
        self.arrive(Subject(), fields='{"born": "yesterday"}')
        said = json.loads(self.run_command("waybill_apply", database="clinic", json=True))
        self.assertEqual((said["applied"], said["overtaken"], said["waiting"], said["refused"], said["done"]), (2, 0, 0, 1, 2))
        self.assertRegex(said["rows"][0]["error"], "yesterday")
        self.assertRegex(self.run_command("waybill_apply", database="clinic"), r"0 applied, 0 overtaken .*, 1 refused\n  row \d+: study_app.subject")

    def test_status_says_what_waits(self):
        self.subject()
        OutboxRow.objects.filter(action="insert").order_by("position").first()
        first = OutboxRow.objects.order_by("position").first()
        OutboxRow.objects.filter(pk=first.pk).update(taken=1)
        said = json.loads(self.run_command("waybill_status", json=True))
        self.assertEqual(
            said["outbox"],
            {
                "recording": True,
                "switchedOffBy": None,
                "pending": 1,
                "oldest": OutboxRow.objects.get(taken=0).recorded_at,
                "taken": 1,
                "setAside": 0,
            },
        )
        self.assertEqual(said["inbox"], {"waiting": 0, "refused": 0, "done": 0, "positions": {}})
        with override_settings(ALLOW_MODEL_SERIALIZATION=False):
            self.assertIn("recording: off (ALLOW_MODEL_SERIALIZATION)", self.run_command("waybill_status"))
