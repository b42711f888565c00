# Takes one dump and its description from this volume to an object store, and asks the store what it has now.
# What it found is written into the termination message as one line of JSON: that counts, and nothing else.
# Needs: curl 7.88 or newer, sha256sum, base64, awk, sed. The keys go to curl on its standard input: no argument has them.
set -u
report=${REPORT:-/dev/termination-log}

clean() { printf '%s' "$1" | tr '\n\r\t"\\' "     " | cut -c1-1000; }
fail() {
  printf '{"failed":"%s"}' "$(clean "$1")" >"$report"
  echo "$1" >&2
  exit 1
}
quoted() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }
store() {
  printf 'user = "%s:%s"\n' "$(quoted "$ACCESS_KEY")" "$(quoted "$SECRET_KEY")" |
    curl -K - -sS --fail-with-body --connect-timeout 10 --speed-limit 1 --speed-time 60 --aws-sigv4 "aws:amz:$REGION:s3" "$@" 2>&1
}
# Of what a store sends as an error, its own words.
words() { printf '%s' "$1" | tr '\n' ' ' | sed -nE 's/.*<Code>([^<]*)<.*/\1/p' | grep . || printf '%s' "$1" | tail -n 1; }
header() { printf '%s' "$answer" | tr -d '\r' | awk -v name="$1" 'tolower($1) == name ":" { value = $2 } END { print value }'; }
# Two hex digits a byte, as base64 has them.
binary() { for byte in $(printf '%s' "$1" | sed 's/../& /g'); do printf "\\$(printf '%03o' "0x$byte")"; done | base64 | tr -d '\n'; }
put() {
  sum=$(sha256sum "$1" | cut -d' ' -f1)
  said=$(store -X PUT -T "$1" -H "x-amz-content-sha256: $sum" -H "x-amz-checksum-sha256: $(binary "$sum")" "$URL$1") ||
    fail "the object store refuses $1: $(words "$said")"
}

cd "${VOLUME:-/backup}" 2>/dev/null || fail "the volume cannot be entered"
curl --version >/dev/null 2>&1 || fail "the image has no curl"
bytes=$(wc -c <"$FILE" | tr -d ' ') || fail "there is no dump to upload"
[ "$bytes" -le 5368709120 ] || fail "it has $bytes bytes, and one request carries 5 GiB at most"
printf '{"phase":"uploading","bytes":%s}\n' "$bytes"
put "${FILE%.dump}.json"
put "$FILE"
none=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
answer=$(store -I -H "x-amz-content-sha256: $none" -H 'x-amz-checksum-mode: ENABLED' "$URL$FILE") || fail "the object store does not show what it got: $(words "$answer")"
there=$(header content-length)
[ "$there" = "$bytes" ] || fail "the object store has ${there:-an unknown number of} bytes, and $bytes were sent"
checked=
if [ -n "$(header x-amz-checksum-sha256)" ]; then
  [ "$(header x-amz-checksum-sha256)" = "$(binary "$sum")" ] || fail "the object store has another sha256 than was sent"
  checked=sha256
elif [ "$(header etag | tr -d '"')" = "$(md5sum "$FILE" | cut -d' ' -f1)" ]; then
  checked=etag
else
  # A store that keeps no sum of its own: what it has is read back.
  back=$(store -H "x-amz-content-sha256: $none" "$URL$FILE" | sha256sum | cut -d' ' -f1)
  [ "$back" = "$sum" ] || fail "what the object store has is not what was sent"
  checked=read-back
fi
printf '{"uploaded":%s,"checked":"%s"}' "$bytes" "$checked" >"$report"
echo "uploaded $bytes bytes, checked by $checked"
