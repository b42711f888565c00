# Deletes the dumps of one backup that are older than they are kept. It comes last of all: the new one was read to its end, and the
# object store has it where one is declared.
# What it did is written into the termination message as one line of JSON; nothing that it cannot do makes the new dump a worse one.
# Needs: find with -mmin, grep.
set -u
report=${REPORT:-/dev/termination-log}
pruned=
kept=
tell() {
  printf '{"pruned":[%s],"kept":"%s"}' "${pruned%,}" "$(printf '%s' "$1" | tr '\n\r\t"\\' "     " | cut -c1-500)" >"$report"
  exit 0
}

cd "${VOLUME:-/backup}" 2>/dev/null || tell "the volume cannot be entered"
size() { wc -c 2>/dev/null <"$1" | tr -d ' ' | grep . || echo 0; }
new=$(size "$DUMP.dump" 2>/dev/null)
[ "$new" -gt 0 ] || tell "the new dump cannot be seen"
# The whole form of a name, since that of a backup may be how the name of another begins; and its description says whose a file is, which
# nothing has that was not read to its end. The newest comes first.
all=
for old in "$PREFIX"-????????T??????-????.dump; do
  [ "$old" = "$DUMP.dump" ] || ! grep -qF "\"service\":\"$SERVICE\",\"backup\":\"$BACKUP\"," "${old%.dump}.json" 2>/dev/null || all="$old $all"
done
# A dump that is much smaller than those before it may be of a database that lost something: they are needed then.
seen=0
last=
for old in $all; do
  bytes=$(size "$old")
  [ $((new * 2)) -lt "$bytes" ] || { seen=$((seen + 1)); continue; }
  [ "$seen" -ge "$LAST" ] || tell "the new dump has $new bytes, less than half of $old with $bytes"
  # However long ago that was, the last one from before it stays.
  [ -n "$last" ] || last=$old
  seen=$((seen + 1))
done
n=0
for old in $all; do
  [ -n "$(find "./$old" -mmin "+$KEEP_MINUTES")" ] || continue
  [ "$old" != "$last" ] || { kept="$old stays: the new dump is less than half of it"; continue; }
  # The message holds so many names.
  [ "$n" -lt 100 ] || { kept="there are more, which the next dump deletes"; break; }
  rm -f "$old" || { kept="$old cannot be deleted"; continue; }
  rm -f "${old%.dump}.json"
  old=${old%.dump}
  pruned="$pruned\"${old#"$PREFIX"-}\","
  n=$((n + 1))
  echo "deleted $old"
done
tell "$kept"
