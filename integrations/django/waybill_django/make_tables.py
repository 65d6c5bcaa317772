"""The tables are made by the SQL that all programs of Waybill share."""

from pathlib import Path

from django.db import NotSupportedError
from django.db.migrations.operations.base import Operation

SQL = Path(__file__).parent / "sql"
DIALECTS = {"sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mariadb"}


class MakeTables(Operation):
    """Runs sql/NAME.DIALECT.sql where its tables are not there yet; backwards it drops them, and with them what was not taken."""

    reversible = True

    def __init__(self, name, tables):
        self.name = name
        self.tables = tables

    def deconstruct(self):
        return type(self).__name__, [self.name, self.tables], {}

    def state_forwards(self, app_label, state):
        """Django's picture of the tables is told beside this, by CreateModel."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        connection = schema_editor.connection
        if self.tables[0] in connection.introspection.table_names():
            return
        for statement in connection.ops.prepare_sql_script(script_for(self.name, connection.vendor)):
            schema_editor.execute(statement, params=None)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        for table in self.tables:
            schema_editor.execute(f"DROP TABLE {schema_editor.quote_name(table)}", params=None)
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {self.tables[0]}_place()", params=None)

    def describe(self):
        return f"Make the tables {', '.join(self.tables)}"


def script_for(name, vendor):
    """The SQL file for that database. Raises NotSupportedError where there is none."""
    if vendor not in DIALECTS:
        raise NotSupportedError(f"Waybill has no tables for {vendor}: use PostgreSQL, MariaDB, MySQL or SQLite")
    return (SQL / f"{name}.{DIALECTS[vendor]}.sql").read_text(encoding="utf-8")
