// Asks an image and its database what they say of each other's Prisma migrations, and on request has `prisma migrate deploy` apply what
// a plan says.
//
// Runs inside the candidate image, with the service's own settings and driver. Prints one answer between two marks; nothing of it is
// secret: errors are cut to their first line, and whatever the environment holds under a telling name is masked in them.
// What is applied is read from rows, never from the tool's exit code: it is 1 for pending, failed and unreachable alike, and `status`
// calls a migration that was resolved as rolled back "up to date".
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const { spawn } = require("child_process");
const env = process.env;

const APPLIES = env.TIMONEL_MODE === "apply";
// Scripts of applied migrations that are told as well: what going back would meet.
const APPLIED_SCRIPTS = 20;
const SCRIPTS = 200000;
const LINE = 4000;
const BOOK = "_prisma_migrations";

class Refused extends Error {}

function masked(text) {
  for (const [name, value] of Object.entries(env)) {
    // Where the shell is, is no password.
    const telling = /PASS|PWD|PW$|SECRET|TOKEN|KEY|URL|DSN|CRED|AUTH/i.test(name) && !/^(TIMONEL_.*|PWD|OLDPWD)$/.test(name);
    if (value.length > 3 && telling) text = text.split(value).join("***");
  }
  return text.replace(/(:\/\/[^:/@\s]*:)[^@\s]*@/g, "$1***@");
}

function plain(error) {
  if (error instanceof Refused) return error.message;
  const first = String((error && error.message) || error).trim().split("\n")[0];
  return masked((error && error.code ? error.code + ": " : "") + first).slice(0, 500);
}

const say = (text) => console.log("timonel: " + text);

function answer(value) {
  const text = JSON.stringify(value);
  const lines = ["-----BEGIN TIMONEL INSPECTION-----"];
  for (let at = 0; at < text.length; at += LINE) lines.push(text.slice(at, at + LINE));
  lines.push("-----END TIMONEL INSPECTION-----");
  // What is still on its way when a process ends is lost.
  return new Promise((written) => process.stdout.write(lines.join("\n") + "\n", written));
}

const text = (file) => {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

// --- what the image says

class Image {
  constructor() {
    let own = {};
    try {
      own = JSON.parse(text("package.json") || "{}");
    } catch {}
    const settings = ["prisma.config.ts", "prisma.config.mjs", "prisma.config.js", "prisma.config.cts", ".config/prisma.ts"].map(text).join("\n");
    const named = /schema:\s*["'`]([^"'`]+)["'`]/.exec(settings);
    const schemas = [own.prisma && own.prisma.schema, named && named[1], "prisma/schema.prisma", "schema.prisma"].filter(Boolean);
    const at = schemas.find((file) => fs.existsSync(file)) || "prisma/schema.prisma";
    const within = fs.existsSync(at) && fs.statSync(at).isDirectory();
    const folder = within ? at : path.dirname(at);
    const moved = /migrations:\s*\{[^}]*path:\s*["'`]([^"'`]+)["'`]/.exec(settings);
    this.folder = env.TIMONEL_FOLDER || (moved && moved[1]) || path.join(folder, "migrations");
    if (!fs.existsSync(this.folder)) throw new Refused("there is no " + this.folder + " in " + process.cwd() + ' of the image: folder = "..." in [migrations]');
    const schema = (within ? fs.readdirSync(at).map((file) => text(path.join(at, file))) : [text(at)]).join("\n");
    // The one that migrations go by stands before the one that queries go by.
    const names = [/directUrl\s*=\s*env\("([^"]+)"\)/.exec(schema), /\burl\s*=\s*env\("([^"]+)"\)/.exec(schema)];
    names.push(/\burl:\s*(?:env\(["'`]([^"'`]+)|process\.env\.(\w+))/.exec(settings), [0, "DATABASE_URL"]);
    const found = names.filter(Boolean).map((hit) => hit[1] || hit[2]);
    this.variable = found.find((name) => env[name]);
    if (!this.variable) throw new Refused("the environment has no " + found[0] + ", which says where the database is");
    this.all = fs
      .readdirSync(this.folder)
      .filter((name) => fs.existsSync(path.join(this.folder, name, "migration.sql")))
      .sort();
  }

  sql(name) {
    return fs.readFileSync(path.join(this.folder, name, "migration.sql"), "utf8");
  }

  get heads() {
    return this.all.slice(-1);
  }

  // With what a statement may wait for a lock: whoever waits for one holds up everybody behind.
  get url() {
    const url = new URL(env[this.variable]);
    const options = [url.searchParams.get("options"), env.PGOPTIONS].filter(Boolean).join(" ");
    if (options) url.searchParams.set("options", options);
    // As libpq reads it, and the drivers: a plus is no space there.
    return url.toString().replace(/\+/g, "%20");
  }
}

function found(name) {
  try {
    return require.resolve(name, { paths: [process.cwd()] });
  } catch {
    return null;
  }
}

// --- what the database says

// By the driver that the image has: pg, or the client that was generated into it.
async function connect(image) {
  const url = new URL(image.url);
  const schema = url.searchParams.get("schema") || "public";
  const driver = found("pg");
  if (driver) {
    const { Client } = require(driver);
    const mode = url.searchParams.get("sslmode") || "prefer";
    const strict = url.searchParams.get("sslaccept") === "strict";
    const own = {
      host: url.searchParams.get("host") || decodeURIComponent(url.hostname),
      port: Number(url.port || 5432),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      options: url.searchParams.get("options") || undefined,
      connectionTimeoutMillis: 10000,
    };
    // As Prisma takes them: encrypted where the server can, and checked where that is said.
    const tries = mode === "disable" ? [false] : mode === "prefer" ? [{ rejectUnauthorized: strict }, false] : [{ rejectUnauthorized: strict }];
    let client;
    for (const [at, ssl] of tries.entries()) {
      client = new Client({ ...own, ssl });
      client.on("error", () => {});
      try {
        await client.connect();
        break;
      } catch (error) {
        if (at + 1 === tries.length || !/does not support SSL/.test(error.message)) throw error;
      }
    }
    const ask = async (query) => (await client.query({ text: query, rowMode: "array" })).rows;
    await ask("select set_config('search_path', '" + schema.replace(/'/g, "''") + "', false)");
    return { ask, end: () => client.end() };
  }
  const generated = found("@prisma/client");
  if (!generated) throw new Refused("the image has neither pg nor @prisma/client: its database cannot be asked");
  const { PrismaClient } = require(generated);
  // One connection: what is set in it holds for every question.
  url.searchParams.set("connection_limit", "1");
  const client = new PrismaClient({ datasourceUrl: url.toString().replace(/\+/g, "%20") });
  const ask = async (query) => (await client.$queryRawUnsafe(query)).map((row) => Object.values(row));
  return { ask, end: () => client.$disconnect() };
}

async function look(image) {
  const { ask, end } = await connect(image);
  try {
    const recorded = (await ask("select cast(to_regclass('" + BOOK + "') as text)"))[0][0] !== null;
    // Resolved as rolled back is as if it had never been begun; begun and neither ended nor resolved has failed.
    const rows = recorded
      ? await ask("select migration_name, case when finished_at is null then 'failed' else 'applied' end, coalesce(logs, ''), checksum from " + BOOK + " where rolled_back_at is null order by started_at")
      : [];
    const of = (state) => [...new Set(rows.filter((row) => row[1] === state).map((row) => row[0]))];
    const user = "c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and left(n.nspname, 8) <> 'pg_toast'";
    const tables = await ask("select cast(count(*) as int) from pg_class c join pg_namespace n on n.oid = c.relnamespace where " + user + " and c.relname <> '" + BOOK + "'");
    const failed = of("failed");
    // What of one that failed is there all the same.
    const there = failed.length
      ? await ask(
          "select case when a.attname is null then c.relname else c.relname || '.' || a.attname end from pg_class c join pg_namespace n on n.oid = c.relnamespace" +
            " left join pg_attribute a on a.attrelid = c.oid and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped where n.nspname = current_schema()" +
            " union select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema()" +
            " union select t.typname from pg_type t join pg_namespace n on n.oid = t.typnamespace where n.nspname = current_schema() limit 5000"
        )
      : [];
    const database = JSON.parse((await ask(env.TIMONEL_DATABASE))[0][0]);
    if (APPLIES) database.sessions = [];
    const sums = new Map(rows.filter((row) => row[1] === "applied").map((row) => [row[0], row[3]]));
    const changed = (name) => sums.has(name) && sums.get(name) !== crypto.createHash("sha256").update(fs.readFileSync(path.join(image.folder, name, "migration.sql"))).digest("hex");
    return {
      tool: "prisma",
      revisions: image.all.map((id, at) => ({ id, down: image.all.slice(Math.max(0, at - 1), at) })),
      heads: image.heads,
      applied: of("applied"),
      failed,
      changed: image.all.filter(changed),
      there: there.map((row) => row[0]),
      recorded,
      tables: Number(tables[0][0]),
      logs: Object.fromEntries(rows.filter((row) => row[1] === "failed").map((row) => [row[0], row[2]])),
      database,
    };
  } finally {
    await end();
  }
}

function scripts(image, told) {
  let left = SCRIPTS;
  return told
    .filter((id) => image.all.includes(id))
    .map((id) => {
      const sql = image.sql(id);
      if (sql.length > left) return { id, sql: null, why: "its SQL is too long to be shown" };
      left -= sql.length;
      return { id, sql, why: "" };
    });
}

// --- what a plan says

function deploy(image) {
  const manifest = found("prisma/package.json");
  if (!manifest) throw new Refused("the image has no prisma in node_modules: `prisma migrate deploy` cannot be run in it");
  const bin = JSON.parse(text(manifest)).bin;
  const cli = path.join(path.dirname(manifest), typeof bin === "string" ? bin : bin.prisma);
  const own = { ...env, [image.variable]: image.url, CHECKPOINT_DISABLE: "1", PRISMA_HIDE_UPDATE_MESSAGE: "1", NO_COLOR: "1" };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, "migrate", "deploy"], { env: own, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const hear = (part) => {
      said = (said + part).slice(-20000);
      process.stderr.write(masked(String(part)));
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", reject);
    // The first process of a container hears no signal that it does not ask for.
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.on("close", (code) => resolve({ code, said }));
  });
}

// Its words without the path that they took through the engine.
function reason(logs) {
  const lines = logs
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line && !/^\d+: |^(at|with) |^external connector error$/.test(line));
  return masked(lines.slice(0, 6).join(" ")).slice(0, 500);
}

async function apply(image) {
  const list = (name) => JSON.parse(env[name]);
  const same = (a, b) => JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
  // Without a word of what was expected an earlier step of the same run has asked this image.
  const heads = list("TIMONEL_HEADS");
  if (heads && !same(image.heads, heads)) throw new Refused("the image is another than the one that was inspected: its heads are " + image.heads.join(" "));
  const before = await look(image);
  const expected = list("TIMONEL_APPLIED") ?? before.applied;
  const moved = [...before.applied, ...expected].filter((id) => !before.applied.includes(id) || !expected.includes(id));
  if (moved.length || before.failed.length) throw new Refused("the database moved since it was inspected: " + [...moved, ...before.failed].slice(0, 5).join(" "));
  if (before.database.locked) throw new Refused("another migration holds the advisory lock " + env.TIMONEL_LOCK);
  if (!before.database.lock_timeout_ms) throw new Refused("lock_timeout is not set: the service's driver does not heed PGOPTIONS");
  say("the plan still holds; applying");
  const ended = await deploy(image);
  say("reading what is applied now");
  const seen = await look(image);
  seen.scripts = scripts(image, seen.failed);
  if (ended.code !== 0) {
    const failed = seen.failed[0];
    const words = failed ? failed + ": " + reason(seen.logs[failed]) : reason(ended.said.slice(Math.max(0, ended.said.lastIndexOf("Error:"))));
    seen.failure = { why: "prisma migrate deploy: " + words, statement: "" };
  }
  delete seen.logs;
  await answer(seen);
  return ended.code === 0 ? 0 : 1;
}

async function main() {
  const image = new Image();
  if (APPLIES) return apply(image);
  const seen = await look(image);
  delete seen.logs;
  const pending = image.all.filter((id) => !seen.applied.includes(id));
  const applied = image.all.filter((id) => seen.applied.includes(id)).slice(-APPLIED_SCRIPTS);
  seen.scripts = scripts(image, [...pending, ...applied]);
  await answer(seen);
  return 0;
}

main()
  .catch((error) => answer({ failed_because: plain(error) }).then(() => 1))
  .then((code) => process.exit(code));
