# Takes one dump and its description from this volume to an object store, and asks the store what it has now.
# What it found is written into the termination message as one line of JSON: that counts, and nothing else.
# Needs: curl 7.88 or newer, sha256sum, md5sum, dd, base64, awk, sed. The keys go to curl on its standard input: no argument has them.
set -u
report=${REPORT:-/dev/termination-log}
# One request carries 5 GiB at most: what is larger goes in parts, of which there are 10,000 at most.
part=${PART:-67108864}
most=${WHOLE:-5368709120}

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
# The same with what comes on standard input: curl holds it in memory, since a store refuses what comes without its length.
stream() {
  curl -K /dev/fd/3 -sS --fail-with-body --connect-timeout 10 --speed-limit 1 --speed-time 60 --aws-sigv4 "aws:amz:$REGION:s3" \
    -X PUT --data-binary @- -H 'Content-Type: application/octet-stream' "$@" 2>&1 3<<END
user = "$(quoted "$ACCESS_KEY"):$(quoted "$SECRET_KEY")"
END
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

none=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
sum_of() { sha256sum | cut -d' ' -f1; }
tag() { printf '%s' "$1" | tr '\n' ' ' | sed -nE "s/.*<$2>([^<]*)<.*/\1/p"; }
piece() { dd if="$FILE" bs=1048576 skip=$(($1 * blocks)) count="$blocks" 2>/dev/null; }
# A file that no single request carries. What was begun and is not ended is kept by a store, and paid for: it is taken back.
put_in_parts() {
  blocks=$(((part + 1048575) / 1048576))
  [ "$blocks" -ge $((bytes / 9000 / 1048576 + 1)) ] || blocks=$((bytes / 9000 / 1048576 + 1))
  said=$(store -X POST -H "x-amz-content-sha256: $none" "$URL$FILE?uploads=") || fail "the object store refuses $FILE: $(words "$said")"
  upload=$(tag "$said" UploadId)
  [ -n "$upload" ] || fail "the object store begins no upload in parts"
  trap 'store -X DELETE -H "x-amz-content-sha256: $none" "$URL$FILE?uploadId=$upload" >/dev/null' EXIT
  parts=$(((bytes + blocks * 1048576 - 1) / (blocks * 1048576)))
  n=0
  list=
  sums=
  while [ "$n" -lt "$parts" ]; do
    own=$(piece "$n" | sum_of)
    md5=$(piece "$n" | md5sum | cut -d' ' -f1)
    said=$(piece "$n" | stream -D - -H "x-amz-content-sha256: $own" "$URL$FILE?partNumber=$((n + 1))&uploadId=$upload") ||
      fail "the object store refuses part $((n + 1)) of $parts: $(words "$said")"
    answer=$said
    etag=$(header etag)
    [ -n "$etag" ] || fail "the object store does not say what it got of part $((n + 1))"
    list="$list<Part><PartNumber>$((n + 1))</PartNumber><ETag>$etag</ETag></Part>"
    sums=$sums$md5
    n=$((n + 1))
    printf '{"phase":"uploading","bytes":%s,"tables":%s,"of":%s}\n' "$bytes" "$n" "$parts"
  done
  body="<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">$list</CompleteMultipartUpload>"
  said=$(store -X POST -H "x-amz-content-sha256: $(printf '%s' "$body" | sum_of)" -H 'Content-Type: application/xml' --data-binary "$body" "$URL$FILE?uploadId=$upload") ||
    fail "the object store does not end the upload: $(words "$said")"
  # An error may come behind an answer that began well.
  case $said in *"<Error>"*) fail "the object store does not end the upload: $(words "$said")" ;; esac
  trap - EXIT
  whole_md5=$(for byte in $(printf '%s' "$sums" | sed 's/../& /g'); do printf "\\$(printf '%03o' "0x$byte")"; done | md5sum | cut -d' ' -f1)-$parts
}

cd "${VOLUME:-/backup}" 2>/dev/null || fail "the volume cannot be entered"
curl --version >/dev/null 2>&1 || fail "the image has no curl"
bytes=$(wc -c <"$FILE" | tr -d ' ') || fail "there is no dump to upload"
printf '{"phase":"uploading","bytes":%s}\n' "$bytes"
if [ "$bytes" -le "$most" ]; then
  put "$FILE"
  tagged=$(md5sum "$FILE" | cut -d' ' -f1)
else
  sum=$(sha256sum "$FILE" | cut -d' ' -f1)
  put_in_parts
  tagged=$whole_md5
fi
answer=$(store -I -H "x-amz-content-sha256: $none" -H 'x-amz-checksum-mode: ENABLED' "$URL$FILE") || fail "the object store does not show what it got: $(words "$answer")"
there=$(header content-length)
[ "$there" = "$bytes" ] || fail "the object store has ${there:-an unknown number of} bytes, and $bytes were sent"
checked=
# Of what went in parts, a store keeps the sum of their sums.
if [ -n "$(header x-amz-checksum-sha256)" ] && [ "$bytes" -le "$most" ]; then
  [ "$(header x-amz-checksum-sha256)" = "$(binary "$sum")" ] || fail "the object store has another sha256 than was sent"
  checked=sha256
elif [ "$(header etag | tr -d '"')" = "$tagged" ]; then
  checked=etag
else
  # A store that keeps no sum of its own: what it has is read back.
  back=$(store -H "x-amz-content-sha256: $none" "$URL$FILE" | sha256sum | cut -d' ' -f1)
  [ "$back" = "$sum" ] || fail "what the object store has is not what was sent"
  checked=read-back
fi
# Last: where it is, the dump is as well.
put "${FILE%.dump}.json"
printf '{"uploaded":%s,"checked":"%s"}' "$bytes" "$checked" >"$report"
echo "uploaded $bytes bytes, checked by $checked"
