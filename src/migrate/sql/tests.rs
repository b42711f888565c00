//! Each rule by a statement that a tool really writes.

use super::{Harm, Reader, Statement, without_values};

fn read(script: &str) -> Vec<Statement> {
    Reader::default().read(script)
}

fn harm(statement: &str) -> Harm {
    let all = read(statement);
    assert_eq!(all.len(), 1, "{statement}: {all:#?}");
    all[0].harm
}

fn all_are(harm: Harm, statements: &[&str]) {
    for statement in statements {
        let all = read(statement);
        let found: Vec<Harm> = all.iter().map(|s| s.harm).collect();
        assert_eq!(found, [harm], "{statement}: {all:#?}");
    }
}

#[test]
fn what_is_added_or_loosened_is_additive() {
    all_are(
        Harm::Additive,
        &[
            "BEGIN",
            "COMMIT",
            "SET lock_timeout = '5s'",
            "CREATE TABLE t (id serial PRIMARY KEY)",
            "CREATE TABLE IF NOT EXISTS t (id int)",
            "ALTER TABLE t ADD COLUMN note text",
            "ALTER TABLE t ADD COLUMN n integer DEFAULT 0 NOT NULL",
            "ALTER TABLE t ADD COLUMN n integer DEFAULT -1 NOT NULL",
            "ALTER TABLE t ADD COLUMN at timestamptz DEFAULT now() NOT NULL",
            "ALTER TABLE t ADD COLUMN at timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL",
            "ALTER TABLE t ADD COLUMN tags text[] DEFAULT '{}'::text[] NOT NULL",
            "ALTER TABLE t ALTER COLUMN n DROP NOT NULL",
            "ALTER TABLE t ALTER COLUMN n SET DEFAULT 3",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID",
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES b (id) NOT VALID",
            "ALTER TABLE t VALIDATE CONSTRAINT c",
            "ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i",
            "ALTER TABLE t DROP CONSTRAINT c",
            "CREATE INDEX CONCURRENTLY i ON t (n)",
            "INSERT INTO t (id) VALUES (1)",
            "INSERT INTO t (id) VALUES (1) ON CONFLICT DO NOTHING",
            "COMMENT ON TABLE t IS 'x'",
            "CREATE TYPE mood AS ENUM ('a', 'b')",
            "ALTER TYPE mood ADD VALUE 'c'",
            "CREATE EXTENSION IF NOT EXISTS pgcrypto",
            "CREATE VIEW v AS SELECT 1",
            "UPDATE alembic_version SET version_num='b' WHERE alembic_version.version_num = 'a'",
            "DELETE FROM alembic_version WHERE alembic_version.version_num = 'a'",
        ],
    );
}

#[test]
fn what_makes_others_wait_is_locking() {
    all_are(
        Harm::Locking,
        &[
            "CREATE INDEX i ON t (n)",
            "CREATE UNIQUE INDEX i ON t (n)",
            "ALTER TABLE t ALTER COLUMN n SET NOT NULL",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0)",
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES b (id)",
            "ALTER TABLE t ADD CONSTRAINT u UNIQUE (n)",
            "ALTER TABLE t ADD PRIMARY KEY (id)",
            "ALTER TABLE t ADD COLUMN n integer NOT NULL",
            "ALTER TABLE t ADD COLUMN b integer REFERENCES b (id)",
            "ALTER TABLE t RENAME COLUMN a TO b",
            "ALTER TABLE t RENAME TO s",
            "DROP INDEX i",
            "DROP VIEW v",
            "DROP FUNCTION f(int)",
            "LOCK TABLE t IN ACCESS EXCLUSIVE MODE",
            "REFRESH MATERIALIZED VIEW v",
        ],
    );
}

#[test]
fn what_writes_a_table_anew_is_rewriting() {
    all_are(
        Harm::Rewriting,
        &[
            "ALTER TABLE t ALTER COLUMN n TYPE bigint",
            "ALTER TABLE \"t\" ALTER COLUMN \"n\" TYPE integer USING \"n\"::integer",
            "ALTER TABLE t ADD COLUMN id uuid DEFAULT gen_random_uuid() NOT NULL",
            "ALTER TABLE t ADD COLUMN r double precision DEFAULT random()",
            "ALTER TABLE t ADD COLUMN s bigserial",
            "ALTER TABLE t ADD COLUMN s bigint GENERATED ALWAYS AS IDENTITY",
            "ALTER TABLE t ADD COLUMN s integer GENERATED ALWAYS AS (a + b) STORED",
            "VACUUM FULL t",
        ],
    );
}

#[test]
fn what_is_gone_afterwards_is_destructive() {
    all_are(
        Harm::Destructive,
        &[
            "DROP TABLE t",
            "DROP TABLE IF EXISTS t CASCADE",
            "ALTER TABLE t DROP COLUMN n",
            "ALTER TABLE \"t\" DROP COLUMN \"n\" CASCADE",
            "ALTER TABLE t ADD COLUMN a int, DROP COLUMN b",
            "TRUNCATE t",
            "DELETE FROM t",
            "DELETE FROM t WHERE id < 3",
            "UPDATE t SET n = 0",
            "UPDATE t SET n = 0 WHERE n IS NULL",
            "INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET n = 2",
            "DROP SCHEMA s CASCADE",
            "DROP SEQUENCE s",
            "DROP VIEW v CASCADE",
            "DROP FUNCTION f(int) CASCADE",
            "ALTER TABLE t ALTER COLUMN n TYPE text USING substr(n, 1, 3)",
        ],
    );
}

#[test]
fn what_is_not_understood_is_unknown_and_counts_as_a_loss() {
    all_are(
        Harm::Unknown,
        &[
            "DO $$ BEGIN DELETE FROM t; END $$",
            "SELECT purge_all()",
            "CALL purge()",
            "FROBNICATE t",
            "WITH x AS (DELETE FROM t RETURNING id) SELECT 1 FROM x",
        ],
    );
    assert!(Harm::Unknown.loses_data() && Harm::Destructive.loses_data() && !Harm::Rewriting.loses_data());
    let cut_off = read("CREATE TABLE t (id int); INSERT INTO t VALUES ('never closed");
    assert_eq!(cut_off.last().map(|s| s.harm), Some(Harm::Unknown), "{cut_off:#?}");
}

#[test]
fn a_table_that_the_migration_makes_has_nothing_to_lock_and_a_column_that_it_adds_nothing_to_lose() {
    let harms = |script: &str| read(script).iter().map(|s| s.harm).collect::<Vec<_>>();
    assert_eq!(
        harms("CREATE TABLE t (id int); CREATE INDEX i ON t (id); ALTER TABLE public.t ADD PRIMARY KEY (id)"),
        [Harm::Additive; 3]
    );
    assert_eq!(harms("CREATE TABLE IF NOT EXISTS t (id int); CREATE INDEX i ON t (id)"), [Harm::Additive, Harm::Locking]);
    assert_eq!(harms("ALTER TABLE t ADD COLUMN a int; UPDATE t SET a = b"), [Harm::Additive, Harm::Locking]);
    assert_eq!(harms("ALTER TABLE t ADD COLUMN a int; UPDATE t SET a = b, b = 0"), [Harm::Additive, Harm::Destructive]);
    assert_eq!(harms("CREATE TABLE t (id int); DROP TABLE t"), [Harm::Additive, Harm::Destructive]);
    let mut reader = Reader::default();
    reader.read("CREATE TABLE t (id int)");
    assert_eq!(reader.read("CREATE INDEX i ON t (id)")[0].harm, Harm::Additive, "a later revision of the same migration");
}

#[test]
fn a_script_is_parted_at_its_semicolons_and_no_others() {
    let all =
        read("-- Running upgrade a -> b\n\nCREATE TABLE t (\n  note text DEFAULT 'a;b' -- c;d\n);\n\n/* e; */ INSERT INTO t VALUES ('it''s');;\n");
    let texts: Vec<&str> = all.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(texts, ["CREATE TABLE t ( note text DEFAULT '***' )", "INSERT INTO t VALUES ('***')"]);
    assert_eq!(all[0].table.as_deref(), Some("t"));
    assert_eq!(read("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2 $$").len(), 1);
    assert_eq!(read(" \n -- nothing\n").len(), 0);
    let long = read(&format!("INSERT INTO t VALUES ({})", "1".repeat(1000)));
    assert!(long[0].text.len() < 310 && long[0].text.ends_with("..."));
}

#[test]
fn a_service_file_may_call_more_destructive_and_never_less() {
    let patterns = ["ALTER COLUMN * TYPE".to_owned(), "create extension".to_owned(), " ".to_owned()];
    let mut reader = Reader::new(&patterns);
    let harms: Vec<Harm> = reader
        .read("ALTER TABLE t ALTER COLUMN n TYPE bigint; CREATE EXTENSION x; ALTER TABLE t DROP COLUMN n; BEGIN")
        .iter()
        .map(|s| s.harm)
        .collect();
    assert_eq!(harms, [Harm::Destructive, Harm::Destructive, Harm::Destructive, Harm::Additive]);
}

#[test]
fn control_sequences_in_a_statement_do_not_reach_the_screen() {
    let all = read("COMMENT ON TABLE t IS '\u{1b}[2Jx'");
    assert!(!all[0].text.contains('\u{1b}'), "{all:?}");
    assert_eq!(harm("COMMENT ON TABLE t IS 'x'"), Harm::Additive);
}

#[test]
fn no_value_of_a_migration_is_told() {
    let told = |sql: &str| Reader::new(&[]).read(sql).into_iter().map(|s| s.text).collect::<Vec<_>>().join("; ");
    for sql in [
        "ALTER ROLE app PASSWORD 'hunter2'",
        "INSERT INTO api_keys VALUES (1, E'hunter2', N'hunter2', U&'hunter2')",
        "UPDATE users SET mail = 'hunter2' WHERE name = 'hunter2'",
        "DO $$ BEGIN EXECUTE 'alter role app password ''hunter2'''; END $$",
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $body$ SELECT 'hunter2' $body$",
        "INSERT INTO api_keys VALUES ('hunter2",
    ] {
        assert!(!told(sql).contains("hunter2") && !without_values(sql).contains("hunter2"), "{sql}: {}", told(sql));
    }
    assert_eq!(told("ALTER TABLE t ADD COLUMN note text DEFAULT '' NOT NULL"), "ALTER TABLE t ADD COLUMN note text DEFAULT '' NOT NULL");
    assert_eq!(told("DO 'what RunPython does, its SQL does not say'"), "DO 'what RunPython does, its SQL does not say'");
    assert_eq!(without_values("UPDATE t SET a = 'x' WHERE b = 'cut o"), "UPDATE t SET a = '***' WHERE b = ...");
}
