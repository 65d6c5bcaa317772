from django.db import migrations, models

from waybill_django.make_tables import MakeTables


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        MakeTables("outbox", ["waybill_outbox"]),
        MakeTables("inbox", ["waybill_inbox", "waybill_position"]),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="OutboxRow",
                    fields=[
                        ("position", models.BigAutoField(primary_key=True, serialize=False)),
                        ("change_id", models.CharField(max_length=200, unique=True)),
                        ("model", models.CharField(max_length=200)),
                        ("action", models.CharField(max_length=6)),
                        ("pk_text", models.CharField(db_column="pk", max_length=200)),
                        ("natural_key", models.TextField(default="[]")),
                        ("fields", models.TextField(default="{}")),
                        ("base", models.TextField(default="[]")),
                        ("made_by", models.CharField(blank=True, default="", max_length=200)),
                        ("recorded_at", models.CharField(max_length=40)),
                        ("reason", models.CharField(blank=True, max_length=1000, null=True)),
                        ("site", models.CharField(blank=True, max_length=200, null=True)),
                        ("app_version", models.CharField(blank=True, max_length=200, null=True)),
                        ("taken", models.SmallIntegerField(default=0)),
                    ],
                    options={"db_table": "waybill_outbox"},
                ),
                migrations.CreateModel(
                    name="InboxRow",
                    fields=[
                        ("position", models.BigAutoField(primary_key=True, serialize=False)),
                        ("cursor", models.CharField(max_length=80, unique=True)),
                        ("model", models.CharField(max_length=200)),
                        ("pk_text", models.CharField(db_column="pk", max_length=200)),
                        ("state", models.CharField(max_length=8)),
                        ("merged_into", models.CharField(max_length=200, null=True)),
                        ("natural_key", models.TextField()),
                        ("fields", models.TextField()),
                        ("change_id", models.CharField(max_length=200, null=True)),
                        ("digest", models.CharField(max_length=64, null=True)),
                        ("producer", models.CharField(max_length=32, null=True)),
                        ("batch", models.CharField(max_length=64, null=True)),
                        ("made_by", models.CharField(max_length=200, null=True)),
                        ("recorded_at", models.CharField(max_length=40, null=True)),
                        ("conflict", models.SmallIntegerField(default=0)),
                        ("applied", models.SmallIntegerField(default=0)),
                        ("error", models.TextField(null=True)),
                    ],
                    options={"db_table": "waybill_inbox"},
                ),
                migrations.CreateModel(
                    name="InboxPosition",
                    fields=[
                        ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                        ("cursor", models.CharField(max_length=80)),
                    ],
                    options={"db_table": "waybill_position"},
                ),
            ],
        ),
    ]
