"""The records that arrived records name, and those that are one."""

import json

from study_app.models import Household, Membership, Requisition, Subject, Visit
from study_case import ApplyCase, NOON, carry
from waybill_django.models import InboxRow


class Parents(ApplyCase):
    def test_a_parent_is_known_by_every_key_that_it_bore(self):
        subject = self.subject("S1")
        visit = self.visit(subject)
        carry()
        visit_row = InboxRow.objects.using("clinic").get(pk_text=str(visit.pk))
        visit_row.delete(using="clinic")
        self.apply()
        self.arrive(subject, natural_key='["S9"]', fields='{"subject_identifier": "S9"}')
        self.apply()
        visit_row.position = None
        visit_row.save(using="clinic", force_insert=True)
        self.apply()
        self.assertEqual((self.errors(), Visit.objects.using("clinic").get().subject_id), ([], subject.pk))

    def test_a_parent_may_be_named_by_its_pk(self):
        visit = self.visit()
        carry()
        self.apply()
        later = Requisition(requisition_identifier="R1")
        fields = {"requisition_identifier": "R1", "visit": str(visit.pk), "created": NOON.isoformat(), "modified": NOON.isoformat()}
        self.arrive(later, fields=json.dumps(fields))
        self.arrive(Requisition(), fields=json.dumps({**fields, "requisition_identifier": "R2", "visit": str(later.pk)}))
        self.apply()
        self.assertEqual(Requisition.objects.using("clinic").get().visit_id, visit.pk)
        self.assertEqual(self.errors(), [f'visit names study_app.visit "{later.pk}", which is not here'])

    def test_an_entry_of_a_history_does_not_wait_for_a_parent_that_is_gone(self):
        visit = self.visit()
        subject_pk = visit.subject.pk
        visit.delete()
        Subject.objects.get(pk=subject_pk).delete()
        carry()
        InboxRow.objects.using("clinic").filter(model__in=["study_app.subject", "study_app.visit"], state="present").update(
            state="deleted", fields="{}"
        )
        self.apply()
        entries = Visit.history.model.objects.using("clinic")
        self.assertEqual((self.errors(), [entry.subject_id for entry in entries.all()]), ([], [subject_pk] * 2))


class Merges(ApplyCase):
    def test_a_merged_record_is_gone_and_what_named_it_names_the_other(self):
        one, two = self.subject("S1"), self.subject("S2")
        visit = self.visit(two)
        friend = self.subject("S3")
        friend.contacts.set([one, two])
        household = Household.objects.create(name="A")
        household.members.add(two)
        carry()
        self.apply()
        self.arrive(two, state="merged", merged_into=str(one.pk))
        self.apply()
        self.assertEqual(self.errors(), [])
        self.assertEqual(Visit.objects.using("clinic").get(pk=visit.pk).subject_id, one.pk)
        self.assertEqual([each.pk for each in Subject.objects.using("clinic").get(pk=friend.pk).contacts.all()], [one.pk])
        self.assertEqual(Membership.objects.using("clinic").get().subject_id, one.pk)
        self.assertFalse(Subject.objects.using("clinic").filter(pk=two.pk).exists())

        self.visit(two, "1010")
        carry()
        self.apply()
        self.assertEqual((self.errors(), Visit.objects.using("clinic").filter(subject_id=one.pk).count()), ([], 2))

    def test_merged_with_itself_or_never_here(self):
        one, two = self.subject("S1"), Subject(subject_identifier="S2")
        carry()
        self.apply()
        self.arrive(one, state="merged", merged_into=str(one.pk))
        self.arrive(two, state="merged", merged_into=str(one.pk))
        self.apply()
        self.assertEqual((self.errors(), Subject.objects.using("clinic").count()), ([], 1))
