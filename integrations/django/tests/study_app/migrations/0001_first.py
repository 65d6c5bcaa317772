from django.conf import settings
from django.db import migrations, models
import django.db.models.deletion
import uuid


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('sites', '0002_alter_domain_unique'),
    ]

    operations = [
        migrations.CreateModel(
            name='Crf',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('modified', models.DateTimeField(auto_now=True)),
                ('user_created', models.CharField(blank=True, default='', max_length=50)),
                ('user_modified', models.CharField(blank=True, default='', max_length=50)),
                ('revision', models.CharField(blank=True, max_length=75, null=True)),
                ('weight', models.DecimalField(decimal_places=2, max_digits=6, null=True)),
                ('notes', models.TextField(blank=True, default='')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Household',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('modified', models.DateTimeField(auto_now=True)),
                ('user_created', models.CharField(blank=True, default='', max_length=50)),
                ('user_modified', models.CharField(blank=True, default='', max_length=50)),
                ('revision', models.CharField(blank=True, max_length=75, null=True)),
                ('name', models.CharField(max_length=50, unique=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('modified', models.DateTimeField(auto_now=True)),
                ('user_created', models.CharField(blank=True, default='', max_length=50)),
                ('user_modified', models.CharField(blank=True, default='', max_length=50)),
                ('revision', models.CharField(blank=True, max_length=75, null=True)),
                ('text', models.TextField()),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Subject',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('modified', models.DateTimeField(auto_now=True)),
                ('user_created', models.CharField(blank=True, default='', max_length=50)),
                ('user_modified', models.CharField(blank=True, default='', max_length=50)),
                ('revision', models.CharField(blank=True, max_length=75, null=True)),
                ('subject_identifier', models.CharField(max_length=50, unique=True)),
                ('initials', models.CharField(blank=True, default='', max_length=3)),
                ('born', models.DateField(null=True)),
                ('contacts', models.ManyToManyField(blank=True, related_name='_study_app_subject_contacts_+', to='study_app.Subject')),
                ('site', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='sites.site')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Symptom',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=50, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='Clinic',
            fields=[
                ('household_ptr', models.OneToOneField(auto_created=True, on_delete=django.db.models.deletion.CASCADE, parent_link=True, primary_key=True, serialize=False, to='study_app.household')),
                ('beds', models.IntegerField(default=0)),
            ],
            options={
                'abstract': False,
            },
            bases=('study_app.household',),
        ),
        migrations.CreateModel(
            name='Visit',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('modified', models.DateTimeField(auto_now=True)),
                ('user_created', models.CharField(blank=True, default='', max_length=50)),
                ('user_modified', models.CharField(blank=True, default='', max_length=50)),
                ('revision', models.CharField(blank=True, max_length=75, null=True)),
                ('visit_code', models.CharField(max_length=10)),
                ('report_datetime', models.DateTimeField()),
                ('subject', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='study_app.subject')),
            ],
            options={
                'unique_together': {('subject', 'visit_code')},
            },
        ),
        migrations.CreateModel(
            name='Requisition',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('modified', models.DateTimeField(auto_now=True)),
                ('user_created', models.CharField(blank=True, default='', max_length=50)),
                ('user_modified', models.CharField(blank=True, default='', max_length=50)),
                ('revision', models.CharField(blank=True, max_length=75, null=True)),
                ('requisition_identifier', models.CharField(max_length=50, unique=True)),
                ('item_count', models.IntegerField(default=1)),
                ('is_drawn', models.BooleanField(default=True)),
                ('drawn_datetime', models.DateTimeField(null=True)),
                ('crf', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='study_app.crf')),
                ('visit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='study_app.visit')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('modified', models.DateTimeField(auto_now=True)),
                ('user_created', models.CharField(blank=True, default='', max_length=50)),
                ('user_modified', models.CharField(blank=True, default='', max_length=50)),
                ('revision', models.CharField(blank=True, max_length=75, null=True)),
                ('head', models.BooleanField(default=False)),
                ('household', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='study_app.household')),
                ('subject', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='study_app.subject')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='household',
            name='members',
            field=models.ManyToManyField(through='study_app.Membership', to='study_app.Subject'),
        ),
        migrations.AddField(
            model_name='household',
            name='neighbours',
            field=models.ManyToManyField(blank=True, related_name='neighbour_of', to='study_app.Household'),
        ),
        migrations.CreateModel(
            name='HistoricalVisit',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('created', models.DateTimeField(blank=True, editable=False)),
                ('modified', models.DateTimeField(blank=True, editable=False)),
                ('user_created', models.CharField(blank=True, default='', max_length=50)),
                ('user_modified', models.CharField(blank=True, default='', max_length=50)),
                ('revision', models.CharField(blank=True, max_length=75, null=True)),
                ('history_id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(max_length=1)),
                ('visit_code', models.CharField(max_length=10)),
                ('report_datetime', models.DateTimeField()),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('subject', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='study_app.subject')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='HistoricalSubject',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('created', models.DateTimeField(blank=True, editable=False)),
                ('modified', models.DateTimeField(blank=True, editable=False)),
                ('user_created', models.CharField(blank=True, default='', max_length=50)),
                ('user_modified', models.CharField(blank=True, default='', max_length=50)),
                ('revision', models.CharField(blank=True, max_length=75, null=True)),
                ('history_id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(max_length=1)),
                ('subject_identifier', models.CharField(max_length=50)),
                ('initials', models.CharField(blank=True, default='', max_length=3)),
                ('born', models.DateField(null=True)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('site', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='sites.site')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='HistoricalCrf',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('created', models.DateTimeField(blank=True, editable=False)),
                ('modified', models.DateTimeField(blank=True, editable=False)),
                ('user_created', models.CharField(blank=True, default='', max_length=50)),
                ('user_modified', models.CharField(blank=True, default='', max_length=50)),
                ('revision', models.CharField(blank=True, max_length=75, null=True)),
                ('history_id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField()),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(max_length=1)),
                ('weight', models.DecimalField(decimal_places=2, max_digits=6, null=True)),
                ('notes', models.TextField(blank=True, default='')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('visit', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='study_app.visit')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='crf',
            name='symptoms',
            field=models.ManyToManyField(blank=True, to='study_app.Symptom'),
        ),
        migrations.AddField(
            model_name='crf',
            name='visit',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, to='study_app.visit'),
        ),
        migrations.CreateModel(
            name='DrawnRequisition',
            fields=[
            ],
            options={
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('study_app.requisition',),
        ),
    ]
