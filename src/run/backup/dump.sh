# Dumps one PostgreSQL database into a file of this volume, reads all of it again, and only then gives it its name.
# What it found is written into the termination message as one line of JSON: that counts, and nothing else. Meanwhile the lines of its
# log are JSON as well, and the last one says how far it is.
# Needs: pg_dump, pg_restore and psql of the server's major version or a later one, sha256sum, awk, sed.
set -u
report=${REPORT:-/dev/termination-log}

fail() {
  # Nothing that a server says may break out of its string.
  printf '{"failed":"%s"}' "$(printf '%s' "$1" | tr '\n\r\t"\\' "     " | cut -c1-1500)" >"$report"
  echo "$1" >&2
  exit 1
}
ask() { PGOPTIONS="-c statement_timeout=30s" psql -X -A -t -q -v ON_ERROR_STOP=1 -c "$1" 2>"$errors"; }
last() { grep -E '(error|detail|ERROR|FATAL):' "$errors" | tail -n 1 | grep . || tail -n 1 "$errors"; }
written() { wc -c 2>/dev/null <"$partial" | tr -d ' ' | grep . || echo 0; }
say() { printf '{"phase":"%s","bytes":%s,"tables":%s,"of":%s}\n' "$1" "$(written)" "$2" "$of"; }
# A shell hears that it is to end only between two programs: those that take long run beside it.
child=
ended() {
  [ -z "$child" ] || kill "$child" 2>/dev/null
  fail "it was told to end"
}

cd "${VOLUME:-/backup}" 2>/dev/null || fail "the volume cannot be entered"
partial=.$DUMP.partial
errors=.$DUMP.errors
# The volume is locked by the run: what is unfinished here was left by one that was killed.
rm -f ."$PREFIX"-????????T??????-????.partial ."$PREFIX"-????????T??????-????.errors
: 2>/dev/null >"$errors" || fail "the volume cannot be written to"
trap 'rm -f "$partial" "$errors"' EXIT
trap ended TERM INT

number=$(ask 'show server_version_num') || fail "the database does not answer: $(last)"
server=$((number / 10000))
client=$(pg_dump --version | sed -nE 's/^pg_dump \(PostgreSQL\) ([0-9]+).*/\1/p')
[ "${client:-0}" -ge "$server" ] || fail "pg_dump ${client:-?} cannot dump a server of version $server: the image must have its major version, or a later one"
size=$(ask 'select pg_database_size(current_database())') || fail "its size cannot be read: $(last)"
free=$(df -Pk . | awk 'NR == 2 { printf "%.0f", $4 * 1024 }')
[ "$free" -ge $((size * 2)) ] || fail "the volume has $free bytes free, and twice the size of the database is needed: $((size * 2))"
revision=
if [ -n "${REVISION:-}" ]; then
  # Where nothing was migrated yet, the tool's table is not there.
  revision=$(ask "$REVISION") || case $(last) in *"does not exist"*) revision= ;; *) fail "the schema revision cannot be read: $(last)" ;; esac
fi
# What the server counts is lost when it crashes, and of a table that nobody analysed yet it is not known how many rows it has.
rows=$(ask "select coalesce(json_object_agg(name, rows), '{}') from (select relid::regclass::text as name, case
    when coalesce(last_analyze, last_autoanalyze, last_vacuum, last_autovacuum) is not null then n_live_tup
    when reltuples > 0 then reltuples::bigint
    when n_live_tup > 0 or pg_relation_size(relid) = 0 then n_live_tup end as rows
  from pg_stat_user_tables join pg_class on pg_class.oid = relid order by relpages desc limit 5) as largest") || fail "its tables cannot be listed: $(last)"
of=$(ask 'select count(*) from pg_stat_user_tables') || fail "its tables cannot be counted: $(last)"

say dumping 0
# Behind a change of a table it would wait for ever, and everybody behind it.
pg_dump -Fc -v --no-password --lock-wait-timeout=60000 -f "$partial" 2>"$errors" &
child=$!
far=
still=0
while kill -0 "$child" 2>/dev/null; do
  sleep 1 &
  wait $!
  tables=$(grep -c 'dumping contents of table' "$errors")
  say dumping "$tables"
  # A dump that grows is not cut off, and one that does not holds a snapshot of the database: a connection may be dead and not know it.
  still=$((still + 1))
  [ "$far" = "$(written) $tables" ] || still=0
  far="$(written) $tables"
  [ "$still" -lt "${STALLED:-1800}" ] || { kill "$child"; fail "pg_dump has written nothing for $still s"; }
done
wait "$child" || fail "pg_dump: $(last)"
sync
bytes=$(written)
[ "$bytes" -gt 0 ] || fail "the dump is empty"
say reading "$of"
# A list of its contents is at its beginning: a dump that was cut off has a whole one. All of it must be read.
pg_restore -f /dev/null "$partial" 2>"$errors" &
child=$!
wait "$child" || fail "the dump cannot be read to its end: $(last)"
child=
tables=$(pg_restore --list "$partial" 2>"$errors" | awk '/ TABLE DATA / { n++ } END { print n + 0 }')
sum=$(sha256sum "$partial" | cut -d' ' -f1)
text() { printf '%s' "$1" | tr '\n\r\t"\\' "     "; }
read_at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
known() {
  printf '"file":"%s.dump","bytes":%s,"sha256":"%s","tables":%s,"server":%s,"client":%s,"database_bytes":%s,"revision":"%s","rows":%s,"read_at":"%s"' \
    "$DUMP" "$bytes" "$sum" "$tables" "$server" "$client" "$size" "$1" "$(printf '%s' "$rows" | tr -d '\n')" "$read_at"
}
revision=$(text "$revision")
printf '{"service":"%s","backup":"%s","format":"custom","verified":"full-read",%s}\n' "$SERVICE" "$BACKUP" "$(known "$revision")" >"$DUMP.json" ||
  fail "its description cannot be written: the volume is full or not writable"
mv "$partial" "$DUMP.dump" || fail "it cannot be given its name"
sync
# A termination message holds 4 KiB: of a revision that has a part for each of many apps, the description beside the file has the whole.
[ "${#revision}" -le 1000 ] || revision="$(printf '%s' "$revision" | cut -c1-1000)..."
line="{$(known "$revision")}"
printf '%s' "$line" >"$report"
echo "$line"
