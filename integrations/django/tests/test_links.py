"""Many-to-many sets are told whole, as updates of the record that owns them."""

from careless_app.models import Between, LinkedThrough, Unnamed
from study_app.models import Crf, Household, Membership, Subject, Symptom
from study_case import StudyCase, fields_in


class Links(StudyCase):
    def sets(self, model=Crf, name="symptoms"):
        """Of each row about the model, its action and the set in it."""
        return [(row.action, [key[0] for key in fields_in(row)[name]]) for row in self.outbox(model)]

    def test_every_way_to_change_a_set(self):
        crf = self.crf()
        fever, cough, rash = self.symptoms("fever", "cough", "rash")
        self.forget()
        crf.symptoms.add(fever, cough)
        crf.symptoms.remove(fever)
        crf.symptoms.set([rash])
        crf.symptoms.clear()
        self.assertEqual(
            self.sets(),
            [("update", ["cough", "fever"]), ("update", ["cough"]), ("update", []), ("update", ["rash"]), ("update", [])],
        )

    def test_what_changes_nothing_is_not_told(self):
        crf = self.crf(symptoms=["fever"])
        self.forget()
        crf.symptoms.add(*self.symptoms("fever"))
        crf.symptoms.remove(*self.symptoms("cough"))
        crf.symptoms.set(self.symptoms("fever"))
        self.assertEqual(self.sets(), [])

    def test_from_the_other_end(self):
        first = self.crf()
        second = self.crf(self.visit(first.visit.subject, "1010"))
        (fever,) = self.symptoms("fever")
        self.forget()
        fever.crf_set.add(first, second)
        fever.crf_set.remove(first)
        fever.crf_set.set([first])
        fever.crf_set.clear()
        told = [(row.pk_text, [key[0] for key in fields_in(row)["symptoms"]]) for row in self.outbox(Crf)]
        one, two = str(first.pk), str(second.pk)
        self.assertCountEqual(told[:2], [(one, ["fever"]), (two, ["fever"])])
        self.assertEqual(told[2], (one, []))
        self.assertCountEqual(told[3:5], [(two, []), (one, ["fever"])])
        self.assertEqual(told[5:], [(one, [])])

    def test_a_choice_that_is_deleted_leaves_the_sets(self):
        crf = self.crf(symptoms=["fever", "cough"])
        self.forget()
        Symptom.objects.get(name="fever").delete()
        self.assertEqual(self.sets(), [("update", ["cough"])])
        self.assertEqual(crf.symptoms.count(), 1)

    def test_a_set_of_the_same_model_changes_at_both_ends(self):
        one, two = self.subject("S1"), self.subject("S2")
        self.forget()
        one.contacts.add(two)
        self.assertEqual([(row.pk_text, fields_in(row)["contacts"]) for row in self.outbox(Subject)], [(str(one.pk), [["S2"]]), (str(two.pk), [["S1"]])])
        self.forget()
        two.contacts.clear()
        self.assertCountEqual([(row.pk_text, fields_in(row)["contacts"]) for row in self.outbox(Subject)], [(str(one.pk), []), (str(two.pk), [])])
        one.contacts.add(two)
        self.forget()
        two.delete()
        self.assertEqual([(row.action, row.pk_text) for row in self.outbox(Subject)][0], ("update", str(one.pk)))
        self.assertEqual(fields_in(self.outbox(Subject)[0])["contacts"], [])

    def test_a_set_of_the_same_model_that_points_one_way(self):
        one, two = Household.objects.create(name="A"), Household.objects.create(name="B")
        self.forget()
        one.neighbours.add(two)
        two.neighbour_of.clear()
        self.assertEqual(self.sets(Household, "neighbours"), [("update", ["B"]), ("update", [])])

    def test_a_set_in_a_registered_model_of_its_own(self):
        household, subject = Household.objects.create(name="A"), self.subject()
        self.forget()
        household.members.add(subject, through_defaults={"head": True})
        self.assertEqual(self.told(), [("insert", "membership")])
        fields = fields_in(self.outbox(Membership)[0])
        self.assertEqual((fields["household"], fields["subject"], fields["head"]), (["A"], ["S1"], True))
        household.members.remove(subject)
        subject.household_set.add(household)
        subject.household_set.clear()
        self.assertEqual([action for action, _ in self.told()], ["insert", "delete", "insert", "delete"])
        self.assertEqual({model for _, model in self.told()}, {"membership"})

    def test_a_set_in_a_model_that_is_not_registered_is_left_alone(self):
        with self.registered(LinkedThrough):
            one = LinkedThrough.objects.create(name="a")
            one.others.add(Unnamed.objects.create(name="b"))
            self.assertEqual(Between.objects.count(), 1)
        self.assertEqual(self.told(), [("insert", "linkedthrough")])
