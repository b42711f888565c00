# Reads one dump of this volume again, all of it, and holds it against what the catalogue says of it.
# What it found is written into the termination message as one line of JSON: whole, damaged, or why it could not be told.
# Needs: pg_restore of the major version that made the dump or a later one, sha256sum.
set -u
report=${REPORT:-/dev/termination-log}

tell() {
  # Nothing that a tool says may break out of its string.
  printf '{"%s":"%s"}' "$1" "$(printf '%s' "$2" | tr '\n\r\t"\\' "     " | cut -c1-1500)" >"$report"
  echo "$2" >&2
}
fail() { tell failed "$1"; exit 1; }
damaged() { tell damaged "$1"; exit 1; }

cd "${VOLUME:-/backup}" 2>/dev/null || fail "the volume cannot be entered"
pg_restore --version >/dev/null 2>&1 || fail "the image has no pg_restore"
[ -f "$FILE" ] || damaged "there is no file $FILE on the volume"
[ -r "$FILE" ] || fail "the file cannot be read: it belongs to somebody else"
bytes=$(wc -c <"$FILE" | tr -d ' ')
[ "$bytes" = "$BYTES" ] || damaged "it has $bytes bytes, and had $BYTES"
printf '{"phase":"reading","bytes":%s,"tables":0,"of":0}\n' "$bytes"
sum=$(sha256sum "$FILE" | cut -d' ' -f1)
[ -n "$sum" ] || fail "the file cannot be summed"
[ "$sum" = "$SHA256" ] || damaged "its sha256 is $sum, and was $SHA256"
# The sum says that it is the same file; that it can be restored from, only the tool can say that would do it.
said=$(pg_restore -f /dev/null "$FILE" 2>&1) || case $said in
*"unsupported version"*) fail "the image's pg_restore is older than the dump: $said" ;;
*) damaged "it cannot be read to its end: $said" ;;
esac
tell whole "$FILE"
