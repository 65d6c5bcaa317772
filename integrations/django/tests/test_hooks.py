"""Where the app has a say."""

import json

import study_hooks
from django.test import override_settings
from study_app.models import Subject, Visit
from study_case import ApplyCase, NOON, carry
from waybill_django.models import InboxRow, OutboxRow

HOOKS = {name: f"study_hooks.{name}" for name in ("before_apply", "on_duplicate", "on_missing_parent")}


@override_settings(WAYBILL_HOOKS=HOOKS)
class Hooks(ApplyCase):
    def setUp(self):
        super().setUp()
        study_hooks.calls.clear()
        study_hooks.answers.clear()

    def twin(self):
        """A subject is at the clinic; another laptop's of the same name arrives."""
        self.subject("S1", initials="A")
        carry()
        self.apply()
        twin = Subject(subject_identifier="S1", initials="B")
        fields = {"subject_identifier": "S1", "initials": "B", "created": NOON.isoformat(), "modified": NOON.isoformat()}
        self.arrive(twin, natural_key='["S1"]', fields=json.dumps(fields))
        return twin

    def test_before_apply_may_change_what_arrived(self):
        def correct(change):
            change.fields["initials"] = change.fields.get("initials", "").upper()

        study_hooks.answers["before_apply"] = correct
        self.subject(initials="ab")
        carry()
        self.apply()
        self.assertEqual(Subject.objects.using("clinic").get().initials, "AB")

    def test_before_apply_may_leave_a_row_out(self):
        study_hooks.answers["before_apply"] = lambda change: False
        self.subject()
        carry()
        self.apply()
        self.assertEqual((Subject.objects.using("clinic").count(), self.errors()), (0, []))

    def test_a_hook_that_fails_refuses_its_row_alone(self):
        bad = self.subject("S1")
        self.subject("S2")

        def fail(change):
            if change.pk == bad.pk:
                raise ZeroDivisionError("by zero")

        study_hooks.answers["before_apply"] = fail
        carry()
        with self.assertLogs("waybill_django", "ERROR"):
            self.apply()
        self.assertEqual((self.errors(), Subject.objects.using("clinic").count()), (["ZeroDivisionError: by zero"], 1))

    def test_a_duplicate_waits_where_the_app_does_not_decide(self):
        twin = self.twin()
        self.apply()
        self.assertEqual(Subject.objects.using("clinic").get().initials, "A")
        self.assertRegex(self.errors()[0], "has the same natural key")
        self.assertIn(("on_duplicate", str(twin.pk)), study_hooks.calls)

    def test_the_app_may_choose_between_duplicates(self):
        def choose(change, arrived, existing):
            existing.initials = arrived.initials
            return existing

        study_hooks.answers["on_duplicate"] = choose
        twin = self.twin()
        self.apply()
        subject = Subject.objects.using("clinic").get()
        self.assertEqual((subject.initials, subject.pk == twin.pk, self.errors()), ("B", False, []))

    def test_the_app_may_give_a_missing_parent(self):
        visit = self.visit(self.subject("S1"))
        stand_in = Subject(subject_identifier="unknown")
        stand_in.save(using="clinic")
        OutboxRow.objects.using("clinic").all().delete()
        study_hooks.answers["on_missing_parent"] = lambda change, model, key: stand_in if model is Subject else None
        carry()
        InboxRow.objects.using("clinic").filter(pk_text=str(visit.subject.pk)).delete()
        self.apply()
        self.assertIn(("on_missing_parent", "study_app.subject", ["S1"]), study_hooks.calls)
        self.assertEqual(Visit.objects.using("clinic").get().subject_id, stand_in.pk)
