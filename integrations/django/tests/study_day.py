"""A day of the study, for tests of the whole way: study_day.py morning|afternoon|show ALIAS"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

import django  # noqa: E402

django.setup()

from django.db import transaction  # noqa: E402
from study_app.models import Clinic, Crf, Household, Requisition, Subject, Symptom, Visit  # noqa: E402
from study_case import NOON, everything  # noqa: E402


def choices():
    """Both computers know the same symptoms, each under numbers of its own."""
    for using, names in (("default", ["fever", "cough", "rash"]), ("clinic", ["rash", "fever", "cough"])):
        for name in names:
            Symptom.objects.using(using).get_or_create(name=name)


def morning():
    """Two subjects, their visits, forms and requisitions."""
    choices()
    for number in (1, 2):
        subject = Subject.objects.create(subject_identifier=f"S{number}", initials="AB", user_created="thabo")
        visit = Visit.objects.create(subject=subject, visit_code="1000", report_datetime=NOON)
        crf = Crf.objects.create(visit=visit, weight="61.50", notes="Ke a leboga \U0001f600")
        crf.symptoms.set(Symptom.objects.filter(name__in=["fever", "rash"]))
        Requisition.objects.create(requisition_identifier=f"R{number}", visit=visit, crf=crf, drawn_datetime=NOON)
    one, two = Subject.objects.order_by("subject_identifier")
    one.contacts.add(two)
    clinic = Clinic.objects.create(name="Mochudi", beds=4)
    clinic.members.add(one, two)
    clinic.neighbours.add(Household.objects.create(name="next"))
    try:
        with transaction.atomic():
            Subject.objects.create(subject_identifier="never")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass


def afternoon():
    """Corrections, sets that lose members, deletes."""
    first, second = Crf.objects.order_by("visit__subject__subject_identifier")
    first.symptoms.remove(Symptom.objects.get(name="fever"))
    second.symptoms.clear()
    first.notes = "corrected"
    first.save()
    second.delete()
    Clinic.objects.get().members.clear()
    Subject.objects.get(subject_identifier="S1").contacts.clear()
    Household.objects.get(name="next").delete()


if __name__ == "__main__":
    if sys.argv[1] == "show":
        print(json.dumps(everything(sys.argv[2])))
    else:
        {"morning": morning, "afternoon": afternoon}[sys.argv[1]]()
