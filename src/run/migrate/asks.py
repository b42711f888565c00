# Asks an image and its database what they say of each other's revisions, and on request applies what a plan says.
#
# Runs inside the candidate image, with the service's own settings and driver. Prints one answer between two marks; nothing of it is
# secret: errors are cut to their first line, and whatever the environment holds under a telling name is masked in them.
import io
import json
import os
import re
import sys

MODE = os.environ.get("TIMONEL_MODE", "inspect")
TOOL = os.environ["TIMONEL_TOOL"]
LOCK = int(os.environ["TIMONEL_LOCK"])
BEGIN = "-----BEGIN TIMONEL INSPECTION-----"
END = "-----END TIMONEL INSPECTION-----"
# Scripts of applied revisions that are told as well: what going back would meet.
APPLIED_SCRIPTS = 20
SCRIPTS = 200000
LINE = 4000


class Refused(Exception):
    pass


def masked(text):
    telling = re.compile("PASS|SECRET|TOKEN|KEY|URL|DSN|CRED|AUTH", re.I)
    for name, value in os.environ.items():
        if len(value) > 3 and telling.search(name) and not name.startswith("TIMONEL_"):
            text = text.replace(value, "***")
    return re.sub(r"(://[^:/@\s]*:)[^@\s]*@", r"\1***@", text)


def plain(error):
    cause = getattr(error, "orig", None) or error.__cause__ or error
    if isinstance(error, Refused):
        return str(error)
    lines = str(cause).strip().splitlines() or [""]
    return masked("%s: %s" % (type(cause).__name__, lines[0]))[:500]


def say(text):
    print("timonel: " + text, flush=True)


def answer(value):
    text = json.dumps(value)
    print(BEGIN)
    for at in range(0, len(text), LINE):
        print(text[at : at + LINE])
    print(END, flush=True)


# --- what every PostgreSQL says, by a function that asks one query

USER_TABLES = "c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%%'"


def database(ask):
    said = json.loads(ask(os.environ["TIMONEL_DATABASE"])[0][0])
    if MODE != "inspect":
        said["sessions"] = []
    return said


def count_tables(ask, own):
    found = ask("select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where " + USER_TABLES + " and c.relname <> '%s'" % own)
    return int(found[0][0])


class Alembic:
    def __init__(self):
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        self.ini = os.environ.get("ALEMBIC_CONFIG", "alembic.ini")
        if not os.path.exists(self.ini):
            raise Refused("there is no %s in %s of the image" % (self.ini, os.getcwd()))
        sys.path.insert(0, os.getcwd())
        self.config = Config(self.ini)
        self.script = ScriptDirectory.from_config(self.config)
        self.all = list(self.script.walk_revisions())[::-1]

    def downs(self, revision):
        down = revision.down_revision or ()
        down = [down] if isinstance(down, str) else list(down)
        rests = revision.dependencies or ()
        for name in [rests] if isinstance(rests, str) else rests:
            found = self.script.get_revision(name)
            down += [found.revision] if found else []
        return down

    # Within the service's own env.py: its settings, its driver, its connection.
    def within(self, act):
        from alembic.runtime.environment import EnvironmentContext
        from sqlalchemy import text

        found = []

        def look(_, context):
            connection = context.connection
            if connection.dialect.name != "postgresql":
                raise Refused("the database is a %s: only PostgreSQL can be asked" % connection.dialect.name)
            # The tool's own form of a parameter is no part of these queries.
            ask = lambda query: connection.execute(text(query.replace("%%", "%").replace(":", r"\:"))).fetchall()
            done, steps = act(context, ask)
            found.append(done)
            return steps

        with EnvironmentContext(self.config, self.script, fn=look, destination_rev=None):
            self.script.run_env()
        return found[0]

    def look(self):
        def act(context, ask):
            own = context.version_table
            exists = ask("select count(*) from pg_class where relname = '%s' and relkind = 'r'" % own)[0][0] > 0
            return {
                "applied": list(context.get_current_heads()),
                "recorded": exists,
                "tables": count_tables(ask, own),
                "database": database(ask),
            }, []

        return self.within(act)

    def inspect(self):
        seen = self.look()
        seen.update(
            tool="alembic",
            revisions=[{"id": r.revision, "down": self.downs(r)} for r in self.all],
            heads=list(self.script.get_heads()),
        )
        return seen

    def done(self, applied):
        by_id = {r.revision: r for r in self.all}
        found, left = set(), list(applied)
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += self.downs(by_id[one]) if one in by_id else []
        return found

    def order(self):
        return [r.revision for r in self.all]

    def sql(self, one):
        from alembic import command
        from alembic.config import Config

        revision = self.script.get_revision(one)
        down = revision.down_revision
        if down is not None and not isinstance(down, str):
            raise Refused("it joins two lines of revisions, and its SQL alone cannot be shown")
        out = io.StringIO()
        command.upgrade(Config(self.ini, output_buffer=out), "%s:%s" % (down or "base", one), sql=True)
        return out.getvalue()

    def migrate(self, expected, heads):
        def act(context, ask):
            take_lock(ask)
            now = sorted(context.get_current_heads())
            if expected is not None and now != sorted(expected):
                raise Refused("the database moved since it was inspected: it is at %s, not %s" % (" ".join(now) or "nothing", " ".join(expected) or "nothing"))
            need_timeout(ask)
            # As `alembic upgrade` does it.
            return None, self.script._upgrade_revs(heads[0], context.get_current_heads())

        self.within(act)


class Django:
    def __init__(self):
        sys.path.insert(0, os.getcwd())
        if not os.environ.get("DJANGO_SETTINGS_MODULE"):
            try:
                manage = open("manage.py").read()
            except OSError:
                raise Refused("there is no manage.py in %s of the image, and DJANGO_SETTINGS_MODULE is not set" % os.getcwd())
            named = re.search(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.]+)", manage)
            if not named:
                raise Refused("manage.py does not say which settings are meant")
            os.environ["DJANGO_SETTINGS_MODULE"] = named.group(1)
        import django

        django.setup()
        from django.db import connection

        self.connection = connection
        if connection.vendor != "postgresql":
            raise Refused("the database is a %s: only PostgreSQL can be asked" % connection.vendor)

    def ask(self, query):
        with self.connection.cursor() as cursor:
            cursor.execute(query.replace("%%", "%"))
            return cursor.fetchall()

    def loader(self, replace=True):
        from django.db.migrations.loader import MigrationLoader

        return MigrationLoader(self.connection, ignore_no_migrations=True, replace_migrations=replace)

    def inspect(self):
        exists = self.ask("select count(*) from pg_class where relname = 'django_migrations' and relkind = 'r'")[0][0] > 0
        rows = self.ask("select app || '.' || name from django_migrations order by id") if exists else []
        loader = self.loader()
        graph, order = loader.graph, []
        for leaf in sorted(graph.leaf_nodes()):
            order += [key for key in graph.forwards_plan(leaf) if key not in order]
        name = lambda key: "%s.%s" % key
        revisions = []
        for key in order:
            replaces = [name(old) for old in graph.nodes[key].replaces] if graph.nodes[key] else []
            revisions.append({"id": name(key), "down": sorted(name(p.key) for p in graph.node_map[key].parents), "replaces": replaces})
        self.keys = {name(key): key for key in order}
        return {
            "tool": "django",
            "revisions": revisions,
            "heads": [name(key) for key in sorted(graph.leaf_nodes())],
            "applied": list(dict.fromkeys(row[0] for row in rows)),
            "recorded": exists,
            "tables": count_tables(self.ask, "django_migrations"),
            "database": database(self.ask),
        }

    def done(self, applied):
        return set(applied)

    def order(self):
        return list(self.keys)

    def sql(self, one):
        loader = self.loader(replace=False)
        migration = loader.graph.nodes[self.keys[one]]
        sql = "\n".join(loader.collect_sql([(migration, False)]))
        # What is a program and no SQL is only a comment there.
        opaque = [type(o).__name__ for o in migration.operations if not o.reduces_to_sql]
        return sql + "".join("\nDO 'what %s does, its SQL does not say';" % name for name in opaque)

    def migrate(self, expected, heads):
        from django.core.management import call_command

        self.connection.ensure_connection()
        take_lock(self.ask)
        now = self.inspect()["applied"]
        if expected is not None and sorted(now) != sorted(expected):
            moved = sorted(set(now) ^ set(expected))
            raise Refused("the database moved since it was inspected: %s" % " ".join(moved[:5]))
        need_timeout(self.ask)
        last = []

        def note(execute, sql, params, many, context):
            last[:] = [sql]
            return execute(sql, params, many, context)

        with self.connection.execute_wrapper(note):
            try:
                call_command("migrate", interactive=False, verbosity=1)
            except Exception as error:
                error.statement = last[0] if last else None
                raise


def take_lock(ask):
    if not ask("select pg_try_advisory_lock(%d)" % LOCK)[0][0]:
        raise Refused("another migration holds the advisory lock %d" % LOCK)


def need_timeout(ask):
    if ask("select setting::bigint from pg_settings where name = 'lock_timeout'")[0][0] == 0:
        raise Refused("lock_timeout is not set: the service's driver does not heed PGOPTIONS")


def scripts(tool, seen):
    done, order = tool.done(seen["applied"]), tool.order()
    pending = [one for one in order if one not in done]
    told = pending + [one for one in order if one in done][-APPLIED_SCRIPTS:]
    left, found = SCRIPTS, []
    for one in told:
        try:
            sql, why = tool.sql(one), ""
        except BaseException as error:
            sql, why = None, "its SQL cannot be shown: " + plain(error)
        if sql is not None and len(sql) > left:
            sql, why = None, "its SQL is too long to be shown"
        left -= len(sql or "")
        found.append({"id": one, "sql": sql, "why": why})
    return found


def main():
    tool = {"alembic": Alembic, "django": Django}[TOOL]()
    if MODE == "inspect":
        seen = tool.inspect()
        seen["scripts"] = scripts(tool, seen)
        answer(seen)
        return 0
    expected, heads = json.loads(os.environ["TIMONEL_APPLIED"]), json.loads(os.environ["TIMONEL_HEADS"])
    image = {"alembic": lambda: tool.script.get_heads(), "django": lambda: tool.inspect()["heads"]}[TOOL]()
    # Without a word of what was expected an earlier step of the same run has asked this image.
    if heads is None:
        heads = sorted(image)
        if TOOL == "alembic" and len(heads) != 1:
            raise Refused("the image has %d heads: %s" % (len(heads), " ".join(heads)))
    if sorted(image) != sorted(heads):
        raise Refused("the image is another than the one that was inspected: its heads are %s" % " ".join(sorted(image)))
    say("the plan still holds; applying")
    failure = None
    try:
        tool.migrate(expected, heads)
    except Refused:
        raise
    except BaseException as error:
        statement = getattr(error, "statement", None)
        failure = {"why": plain(error), "statement": masked(" ".join(statement.split()))[:300] if statement else ""}
    say("reading what is applied now")
    # With new connections: what the ones before saw may be of a transaction that was taken back.
    if TOOL == "django":
        tool.connection.close()
    seen = tool.inspect()
    seen["scripts"] = []
    if failure:
        seen["failure"] = failure
    answer(seen)
    return 1 if failure else 0


try:
    code = main()
except BaseException as error:
    answer({"failed_because": plain(error)})
    code = 1
sys.stdout.flush()
sys.exit(code)
