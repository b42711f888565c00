# Asks an image and its database what they say of each other's revisions, and on request applies what a plan says or takes it back.
#
# Runs inside the candidate image, with the service's own settings and driver. Prints one answer between two marks; nothing of it is
# secret: errors are cut to their first line, and whatever the environment holds under a telling name is masked in them.
import io
import json
import os
import re
import sys
import time

MODE = os.environ.get("TIMONEL_MODE", "inspect")
TOOL = os.environ["TIMONEL_TOOL"]
LOCK = int(os.environ["TIMONEL_LOCK"])
BACK, TO = json.loads(os.environ.get("TIMONEL_BACK", "[]")), json.loads(os.environ.get("TIMONEL_TO", "[]"))
# Rows that somebody agreed to lose: by revision, then by table or column; null = any number of them.
AGREED = json.loads(os.environ.get("TIMONEL_AGREED", "{}"))
BEGIN = "-----BEGIN TIMONEL INSPECTION-----"
END = "-----END TIMONEL INSPECTION-----"
# Scripts of applied revisions that are told as well: what going back would meet.
APPLIED_SCRIPTS = 20
SCRIPTS = 200000
LINE = 4000
# Rows are counted up to here, each table or column for so long, and all of them together for no longer than this.
ROWS = 1000001
COUNT_MS = 5000
COUNT_ALL_S = 30


class Refused(Exception):
    pass


# Rows came in between: what was taken back before stays so, and is told.
class LosesMore(Refused):
    pass


# A revision that nothing takes back.
class Irreversible(Exception):
    pass


def masked(text):
    telling = re.compile("PASS|PWD|PW$|SECRET|TOKEN|KEY|URL|DSN|CRED|AUTH", re.I)
    for name, value in os.environ.items():
        # Where the shell is, is no password.
        if len(value) > 3 and telling.search(name) and not name.startswith("TIMONEL_") and name not in ("PWD", "OLDPWD"):
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


NAME = r'(?:"[^"]+"|[\w$]+)(?:\.(?:"[^"]+"|[\w$]+))?'


def plain_name(name):
    parts = [part[1:-1] if part.startswith('"') else part.lower() for part in re.findall(r'"[^"]+"|[\w$]+', name)]
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] == "public" else parts)


# What a downgrade drops, as pairs of table and column (None = the table): the SQL is the tool's own, so its form is known.
def dropped(sql):
    found = []
    for table, rest in re.findall(r"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(%s)([^;]*)" % NAME, sql, re.I):
        found += [(table, column) for column in re.findall(r"\bdrop\s+column\s+(?:if\s+exists\s+)?(%s)" % NAME, rest, re.I)]
    for tables in re.findall(r"\bdrop\s+table\s+(?:if\s+exists\s+)?(%s(?:\s*,\s*%s)*)" % (NAME, NAME), sql, re.I):
        found += [(table, None) for table in re.findall(NAME, tables)]
    return list(dict.fromkeys(found))


# Rows that hold something there. What is as the column's constant default, or computed from others, holds nothing of its own.
def count_rows(ask, table, column):
    quoted = table.replace("'", "''")
    if ask("select to_regclass('%s') is null" % quoted)[0][0]:
        return 0
    holds = "true"
    if column is not None:
        found = ask(
            "select a.attgenerated <> '', coalesce(pg_get_expr(d.adbin, d.adrelid), '') from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid"
            " and d.adnum = a.attnum where a.attrelid = to_regclass('%s') and a.attname = '%s' and not a.attisdropped"
            % (quoted, (column[1:-1] if column.startswith('"') else column.lower()).replace("'", "''"))
        )
        if not found or found[0][0]:
            return 0
        holds, default = "%s is not null" % column, found[0][1]
        if re.fullmatch(r"(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?|true|false)(?:::[\w\s.\"\[\]()]+)?", default):
            holds += " and %s is distinct from %s" % (column, default)
    return int(ask("select count(*) from (select 1 from %s where %s limit %d) rows" % (table, holds, ROWS))[0][0])


# Within a savepoint of a tool's transaction, which cannot write, and waits for nobody for long.
def counted(tool, sql, until):
    rows = {}
    for table, column in dropped(sql):
        key = plain_name(table) + ("" if column is None else "." + plain_name(column))
        rows[key] = None
        if time.monotonic() > until:
            continue
        try:
            rows[key] = tool.aside(lambda ask: (
                ask("select set_config('statement_timeout', '%d', true), set_config('lock_timeout', '%d', true), set_config('transaction_read_only', 'on', true)" % (COUNT_MS, COUNT_MS)),
                count_rows(ask, table, column),
            )[1])
        except Exception as error:
            say("the rows of %s cannot be counted: %s" % (key, plain(error)))
    return rows


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

    # Within the service's own env.py: its settings, its driver, its connection. Where it only asks, the tool may not even make the table
    # in which it keeps what it applied: env.py commits whatever is done in it.
    def within(self, act, asks=True):
        from alembic.runtime.environment import EnvironmentContext
        from sqlalchemy import text

        found = []

        def look(_, context):
            connection = context.connection
            if connection.dialect.name != "postgresql":
                raise Refused("the database is a %s: only PostgreSQL can be asked" % connection.dialect.name)
            # The tool's own form of a parameter is no part of these queries.
            def ask(query):
                told = connection.execute(text(query.replace("%%", "%").replace(":", r"\:")))
                return told.fetchall() if told.returns_rows else []

            self.connection = connection
            done, steps = act(context, ask)
            found.append(done)
            return steps

        with EnvironmentContext(self.config, self.script, fn=look, destination_rev=None, dont_mutate=asks):
            self.script.run_env()
        return found[0]

    # In a transaction of its own, which is taken back.
    def aside(self, act):
        from sqlalchemy import text

        def within(context, ask):
            savepoint = self.connection.begin_nested()
            try:
                return act(ask), []
            finally:
                savepoint.rollback()

        return self.within(within)

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

    def back(self, one):
        from alembic import command
        from alembic.config import Config

        revision = self.script.get_revision(one)
        down = revision.down_revision
        if down is not None and not isinstance(down, str):
            raise Refused("it joins two lines of revisions, and the SQL of its downgrade alone cannot be shown")
        downgrade = getattr(revision.module, "downgrade", None)
        if downgrade is None:
            raise Irreversible("it has no downgrade")
        if only_raises(downgrade):
            raise Irreversible("its downgrade only raises")
        out = io.StringIO()
        try:
            command.downgrade(Config(self.ini, output_buffer=out), "%s:%s" % (one, down or "base"), sql=True)
        except NotImplementedError as error:
            raise Irreversible(plain(error))
        return out.getvalue()

    def moves(self, expected, steps):
        def act(context, ask):
            take_lock(ask)
            now = sorted(context.get_current_heads())
            # Taking back may have ended at any of them.
            between = MODE == "again" and set(now) <= set(expected) | set(BACK) | set(TO)
            if expected is not None and now != sorted(expected) and not between:
                raise Refused("the database moved since it was inspected: it is at %s, not %s" % (" ".join(now) or "nothing", " ".join(expected) or "nothing"))
            need_timeout(ask)
            return None, steps(context.get_current_heads(), ask)

        self.within(act, asks=False)

    # As `alembic upgrade` does it.
    def migrate(self, expected, heads):
        self.moves(expected, lambda now, ask: self.script._upgrade_revs(heads[0], now))

    # As `alembic downgrade` does it.
    def take_back(self, expected):
        sql = {one: self.back(one) for one in BACK}

        def steps(now, ask):
            steps = list(self.script._downgrade_revs(TO[0], now))
            same_way([step.revision.revision for step in steps])

            # Each is asked for when the one before is done, and so within the transaction that takes it back.
            def each():
                for step in steps:
                    lose_no_more(ask, step.revision.revision, sql[step.revision.revision])
                    yield step

            return each()

        self.moves(expected, steps)


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
            return cursor.fetchall() if cursor.description else []

    # In a transaction of its own, which is taken back.
    def aside(self, act):
        from django.db import transaction

        with transaction.atomic():
            try:
                return act(self.ask)
            finally:
                transaction.set_rollback(True)

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

    def back(self, one):
        from django.db.migrations.operations import RunPython

        loader = self.loader(replace=False)
        migration = loader.graph.nodes[self.keys[one]]
        for operation in migration.operations:
            if not operation.reversible:
                raise Irreversible("%s in it has no way back" % type(operation).__name__)
        sql = "\n".join(loader.collect_sql([(migration, True)]))
        opaque = [type(o).__name__ for o in migration.operations if not o.reduces_to_sql and getattr(o, "reverse_code", None) is not RunPython.noop]
        return sql + "".join("\nDO 'what %s does on the way back, its SQL does not say';" % name for name in opaque)

    def moves(self, expected, act):
        self.connection.ensure_connection()
        take_lock(self.ask)
        now = self.inspect()["applied"]
        between = MODE == "again" and set(expected) - set(BACK) <= set(now) <= set(expected)
        if expected is not None and sorted(now) != sorted(expected) and not between:
            moved = sorted(set(now) ^ set(expected))
            raise Refused("the database moved since it was inspected: %s" % " ".join(moved[:5]))
        need_timeout(self.ask)
        last = []

        def note(execute, sql, params, many, context):
            last[:] = [sql]
            return execute(sql, params, many, context)

        with self.connection.execute_wrapper(note):
            try:
                act()
            except Exception as error:
                error.statement = last[0] if last else None
                raise

    def migrate(self, expected, heads):
        from django.core.management import call_command

        self.moves(expected, lambda: call_command("migrate", interactive=False, verbosity=1))

    # As `manage.py migrate APP NAME` does it, for several apps at once.
    def take_back(self, expected):
        from contextlib import nullcontext

        from django.db import transaction
        from django.db.migrations.executor import MigrationExecutor

        executor = MigrationExecutor(self.connection)
        sql, unapply = {one: self.back(one) for one in BACK}, executor.unapply_migration

        def within(state, migration, *rest, **named):
            one = "%s.%s" % (migration.app_label, migration.name)
            with transaction.atomic() if migration.atomic else nullcontext():
                lose_no_more(self.ask, one, sql[one])
                return unapply(state, migration, *rest, **named)

        executor.unapply_migration = within
        targets = [(app, None if name == "zero" else name) for app, name in (one.split(".", 1) for one in TO)]
        plan = executor.migration_plan(targets)
        same_way(["%s.%s" % (m.app_label, m.name) for m, _ in plan])
        if not all(backwards for _, backwards in plan):
            raise Refused("the way there is not only one back")
        self.moves(expected, lambda: executor.migrate(targets, plan))


# Whether a function does nothing but raise.
def only_raises(function):
    import ast
    import inspect
    import textwrap

    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body
    except (OSError, SyntaxError, TypeError):
        return False
    # A text that stands by itself says something, and does nothing.
    does = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return bool(does) and isinstance(does[0], ast.Raise)


def same_way(found):
    if sorted(found) != sorted(BACK):
        other = sorted(set(found) ^ set(BACK))
        raise Refused("the way back is another than the one that was planned: %s" % " ".join(other[:5]))


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


# What taking the newest applied revisions back does, and the rows that it would lose.
def returns(tool, seen):
    done = tool.done(seen["applied"])
    until, left, found = time.monotonic() + COUNT_ALL_S, SCRIPTS, []
    for one in [one for one in tool.order() if one in done][-APPLIED_SCRIPTS:]:
        told = {"id": one, "sql": None}
        try:
            sql = tool.back(one)
            if len(sql) > left:
                raise Refused("the SQL of its downgrade is too long to be shown")
            left -= len(sql)
            told.update(sql=sql, rows=counted(tool, sql, until))
        except Irreversible as error:
            told.update(irreversible=True, why=str(error))
        except BaseException as error:
            told.update(why="the SQL of its downgrade cannot be shown: " + plain(error))
        found.append(told)
    return found


# What was written since the plan was made is counted again: nobody agreed to lose more than it told.
def agreed(one, what, rows):
    most = AGREED.get(one, {}).get(what, 0)
    if most is None or most >= ROWS or (rows is not None and rows <= most):
        return
    many = "an unknown number of" if rows is None else "at least %d" % rows if rows == ROWS else str(rows)
    knew = "which nobody knew when it was planned" if most == 0 else "and %d were agreed to" % most
    raise LosesMore("taking %s back would lose %s rows of %s, %s: inspect again" % (one, many, what, knew))


# Before anything is done, of all that is taken back.
def nothing_more_is_lost(tool):
    for one in BACK:
        for what, rows in counted(tool, tool.back(one), time.monotonic() + COUNT_ALL_S).items():
            agreed(one, what, rows)


# Once more of one revision, within the transaction that takes it back, and with nobody who writes beside it.
def lose_no_more(ask, one, sql):
    for table, column in dropped(sql):
        what = plain_name(table) + ("" if column is None else "." + plain_name(column))
        if AGREED.get(one, {}).get(what, 0) is None or ask("select to_regclass('%s') is null" % table.replace("'", "''"))[0][0]:
            continue
        before = ask("select current_setting('statement_timeout'), set_config('statement_timeout', '%d', false)" % COUNT_MS)[0][0]
        # Where each statement is a transaction of its own, no lock would last until the next.
        if ask("select now() < statement_timestamp()")[0][0]:
            ask("lock table %s in access exclusive mode" % table)
        agreed(one, what, count_rows(ask, table, column))
        ask("select set_config('statement_timeout', '%s', false)" % before)


def main():
    tool = {"alembic": Alembic, "django": Django}[TOOL]()
    if MODE == "inspect":
        seen = tool.inspect()
        seen["scripts"] = scripts(tool, seen)
        seen["returns"] = returns(tool, seen)
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
    failure = None
    if MODE == "back":
        nothing_more_is_lost(tool)
    say("the plan still holds; " + ("taking back" if MODE == "back" else "applying"))
    try:
        if MODE == "back":
            tool.take_back(expected)
        else:
            tool.migrate(expected, heads)
    except Refused as error:
        if not isinstance(error, LosesMore):
            raise
        failure = {"why": plain(error), "statement": ""}
    except BaseException as error:
        statement = getattr(error, "statement", None)
        failure = {"why": plain(error), "statement": masked(" ".join(statement.split()))[:300] if statement else ""}
    say("reading what is applied now")
    # With new connections: what the ones before saw may be of a transaction that was taken back.
    if TOOL == "django":
        tool.connection.close()
    seen = tool.inspect()
    seen["scripts"] = []
    seen["returns"] = returns(tool, seen)
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
