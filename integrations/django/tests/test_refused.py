"""What cannot be applied, and what goes on without it."""

from study_app.models import Crf, Subject, Visit
from study_case import ApplyCase, carry
from waybill_django.models import InboxRow


class Refusals(ApplyCase):
    def test_a_bad_row_keeps_its_reason_and_the_rest_goes_on(self):
        good = self.subject("S1")
        bad = self.subject("S2")
        visit = self.visit(bad)
        self.visit(good)
        carry()
        rows = InboxRow.objects.using("clinic").filter(model="study_app.subject", pk_text=str(bad.pk))
        fields = rows.get().fields
        rows.update(fields='{"born": "yesterday"}')
        self.apply()
        self.assertEqual([one.subject_identifier for one in Subject.objects.using("clinic").all()], ["S1"])
        self.assertEqual(Visit.objects.using("clinic").count(), 1)
        first, *children = self.errors()
        self.assertRegex(first, "born cannot be 'yesterday'")
        self.assertEqual(children, ['subject names study_app.subject ["S2"], which is not here'] * 2)

        rows.update(fields=fields)
        self.apply()
        self.assertEqual((self.errors(), Visit.objects.using("clinic").get(pk=visit.pk).subject_id), ([], bad.pk))

    def test_each_way_to_be_bad_is_named(self):
        subject = self.subject()
        for columns in (
            {"model": "lab.nothing"},
            {"pk_text": "7"},
            {"fields": "{"},
            {"fields": "[]"},
            {"fields": '{"weight": 1}'},
            {"fields": '{"visit": ["S1"]}'},
            {"fields": '{"contacts": 7}'},
            {"fields": '{"site": {}}'},
            {"state": "merged", "merged_into": "7"},
            {"state": "merged", "merged_into": "3f0f2a52-2c73-4fd2-bd43-6be8d8b0a0d1"},
        ):
            self.arrive(subject, **columns)
        self.apply()
        expected = (
            "this app has no model lab.nothing",
            "7 is no pk of study_app.subject",
            "fields is no JSON",
            "fields is not a JSON object",
            "has no field weight here",
            "visit is no field of study_app.subject itself",
            "contacts is no list",
            "site cannot hold",
            "7 is no pk",
            "which it is merged into, is not here",
        )
        for error, words in zip(self.errors(), expected):
            self.assertIn(words, error)
        self.assertEqual(len(self.errors()), len(expected))

    def test_what_the_database_refuses_is_refused_alone(self):
        visit = self.visit()
        carry()
        InboxRow.objects.using("clinic").filter(pk_text=str(visit.pk)).update(fields="{}")
        self.subject("S2")
        carry()
        self.apply()
        self.assertEqual(Subject.objects.using("clinic").count(), 2)
        (error,) = self.errors()
        self.assertRegex(error.lower(), "null")

    def test_a_record_that_others_name_is_not_deleted_under_them(self):
        visit = self.visit()
        carry()
        self.apply()
        self.arrive(visit.subject, state="deleted")
        self.apply()
        self.assertEqual((Subject.objects.using("clinic").count(), len(self.errors())), (1, 1))
        self.arrive(visit, state="deleted")
        self.apply()
        self.assertEqual((Subject.objects.using("clinic").count(), self.errors()), (0, []))

    def test_a_child_before_its_parent_waits_and_applies_by_itself(self):
        crf = self.crf()
        carry()
        rows = list(InboxRow.objects.using("clinic").order_by("-position"))
        InboxRow.objects.using("clinic").all().delete()
        for row in rows:
            row.position = None
            row.save(using="clinic", force_insert=True)
        self.apply()
        self.assertEqual((self.errors(), Crf.objects.using("clinic").get().pk), ([], crf.pk))

    def test_an_older_state_never_replaces_a_newer_one(self):
        subject = self.subject(initials="A")
        carry()
        old = InboxRow.objects.using("clinic").filter(pk_text=str(subject.pk))
        good = old.get().fields
        old.update(fields='{"born": "yesterday"}')
        position = old.get().position
        self.apply()
        subject.initials = "B"
        subject.save()
        carry()
        InboxRow.objects.using("clinic").filter(position=position).update(fields=good)
        self.assertEqual(self.apply()[1], 1)
        self.assertEqual(Subject.objects.using("clinic").get().initials, "B")
        self.assertRegex(InboxRow.objects.using("clinic").get(position=position).error, "overtaken by row")

    def test_a_field_that_the_laptop_does_not_know_stays(self):
        subject = self.subject(initials="AB")
        carry()
        self.apply()
        self.arrive(subject, fields='{"subject_identifier": "S1"}')
        self.apply()
        self.assertEqual(Subject.objects.using("clinic").get().initials, "AB")
