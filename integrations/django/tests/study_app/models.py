"""A small study in the old style: subjects, their visits, a form, requisitions."""

from django.contrib.sites.models import Site
from django.db import models

from .base import BaseUuidModel
from .history import with_history


class SubjectManager(models.Manager):
    def get_by_natural_key(self, subject_identifier):
        return self.get(subject_identifier=subject_identifier)


@with_history
class Subject(BaseUuidModel):
    subject_identifier = models.CharField(max_length=50, unique=True)
    initials = models.CharField(max_length=3, blank=True, default="")
    born = models.DateField(null=True)
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT)
    contacts = models.ManyToManyField("self", blank=True)
    objects = SubjectManager()

    def natural_key(self):
        return (self.subject_identifier,)


class VisitManager(models.Manager):
    def get_by_natural_key(self, subject_identifier, visit_code):
        return self.get(subject__subject_identifier=subject_identifier, visit_code=visit_code)


@with_history
class Visit(BaseUuidModel):
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT)
    visit_code = models.CharField(max_length=10)
    report_datetime = models.DateTimeField()
    objects = VisitManager()

    def natural_key(self):
        return self.subject.natural_key() + (self.visit_code,)

    natural_key.dependencies = ["study_app.subject"]

    class Meta:
        unique_together = ("subject", "visit_code")


class SymptomManager(models.Manager):
    def get_by_natural_key(self, name):
        return self.get(name=name)


class Symptom(models.Model):
    """A list of choices, the same on every computer: not for offline use, and numbered."""

    name = models.CharField(max_length=50, unique=True)
    objects = SymptomManager()

    def natural_key(self):
        return (self.name,)


class CrfManager(models.Manager):
    def get_by_natural_key(self, visit):
        return self.get(visit=Visit.objects.db_manager(self.db).get_by_natural_key(*visit))


@with_history
class Crf(BaseUuidModel):
    """A form of a visit; its natural key holds the visit's whole, as the old README showed."""

    visit = models.OneToOneField(Visit, on_delete=models.CASCADE)
    weight = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    notes = models.TextField(blank=True, default="")
    symptoms = models.ManyToManyField(Symptom, blank=True)
    objects = CrfManager()

    def natural_key(self):
        return (self.visit.natural_key(),)

    natural_key.dependencies = ["study_app.visit"]


class RequisitionManager(models.Manager):
    def get_by_natural_key(self, requisition_identifier):
        return self.get(requisition_identifier=requisition_identifier)


class Requisition(BaseUuidModel):
    requisition_identifier = models.CharField(max_length=50, unique=True)
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE)
    crf = models.ForeignKey(Crf, null=True, on_delete=models.SET_NULL)
    item_count = models.IntegerField(default=1)
    is_drawn = models.BooleanField(default=True)
    drawn_datetime = models.DateTimeField(null=True)
    objects = RequisitionManager()

    def natural_key(self):
        return (self.requisition_identifier,)

    natural_key.dependencies = ["study_app.visit"]


class DrawnRequisition(Requisition):
    """Another face of the same table."""

    class Meta:
        proxy = True


class HouseholdManager(models.Manager):
    def get_by_natural_key(self, name):
        return self.get(name=name)


class Household(BaseUuidModel):
    name = models.CharField(max_length=50, unique=True)
    members = models.ManyToManyField(Subject, through="Membership")
    neighbours = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="neighbour_of")
    objects = HouseholdManager()

    def natural_key(self):
        return (self.name,)


class MembershipManager(models.Manager):
    def get_by_natural_key(self, name, subject_identifier):
        return self.get(household__name=name, subject__subject_identifier=subject_identifier)


class Membership(BaseUuidModel):
    household = models.ForeignKey(Household, on_delete=models.CASCADE)
    subject = models.ForeignKey(Subject, on_delete=models.CASCADE)
    head = models.BooleanField(default=False)
    objects = MembershipManager()

    def natural_key(self):
        return self.household.natural_key() + self.subject.natural_key()


class Clinic(Household):
    """Its table continues that of households."""

    beds = models.IntegerField(default=0)
    objects = HouseholdManager()


class Note(BaseUuidModel):
    """Not registered: what people jot down stays on the laptop."""

    text = models.TextField()
