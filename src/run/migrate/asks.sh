# Asks an image and its database what they say of each other's files of SQL, and on request applies what a plan says.
#
# Runs inside the candidate image, with the service's own settings. Needs: psql 10 or newer, awk, sed, sort. Prints one answer between
# two marks; nothing of it is secret. psql gets the password from its environment: no argument has it.
#
# Files are NUMBER_name.sql, in the order of their numbers. The table holds one row for each (a column `version`), up to a line
# `-- migrate:down` of each; or, where files are named NUMBER_name.up.sql, one row alone, with a column `dirty`.
set -u
LC_ALL=C
export LC_ALL
: "${TIMONEL_FOLDER:=migrations}" "${TIMONEL_TABLE:=schema_migrations}"

answer() {
  echo "-----BEGIN TIMONEL INSPECTION-----"
  cat
  echo "-----END TIMONEL INSPECTION-----"
}
refuse() {
  # Nothing that a tool says may break out of its string.
  printf '{"failed_because":"%s"}\n' "$(printf '%s' "$1" | tr '\n\r\t"\\' "     " | cut -c1-500)" | answer
  exit 1
}
decoded() {
  rest=$1
  whole=
  while :; do
    case $rest in
    *%[0-9A-Fa-f][0-9A-Fa-f]*) ;;
    *) break ;;
    esac
    tail=${rest#*%}
    whole=$whole${rest%%\%*}$(printf "\\$(printf '%03o' "0x$(printf '%.2s' "$tail")")")
    rest=${tail#??}
  done
  printf '%s' "$whole$rest"
}
# postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=MODE
from_url() {
  rest=${1#*://}
  case $rest in *\?*) parameters=${rest#*\?} ;; *) parameters= ;; esac
  rest=${rest%%\?*}
  case $rest in
  *@*)
    login=${rest%@*}
    rest=${rest##*@}
    PGUSER=$(decoded "${login%%:*}")
    case $login in *:*) PGPASSWORD=$(decoded "${login#*:}") ;; esac
    ;;
  esac
  case $rest in */?*) PGDATABASE=$(decoded "${rest#*/}") ;; esac
  place=${rest%%/*}
  case $place in *:*) PGPORT=${place##*:} ;; esac
  [ -z "${place%:*}" ] || PGHOST=$(decoded "${place%:*}")
  mode=$(printf '%s' "$parameters" | tr '&' '\n' | sed -n 's/^sslmode=//p')
  [ -z "$mode" ] || PGSSLMODE=$mode
  export PGUSER PGPASSWORD PGDATABASE PGPORT PGHOST PGSSLMODE
}
sql() { psql -X -A -t -q -v ON_ERROR_STOP=1 -v VERBOSITY=default -b "$@"; }

command -v psql >/dev/null 2>&1 || refuse "the image has no psql"
[ -d "$TIMONEL_FOLDER" ] || refuse "there is no $TIMONEL_FOLDER in $(pwd) of the image: folder = ... in [migrations]"
[ -n "${PGHOST:-}" ] || [ -z "${DATABASE_URL:-}" ] || {
  : "${PGUSER:=}" "${PGPASSWORD:=}" "${PGDATABASE:=}" "${PGPORT:=5432}" "${PGHOST:=}" "${PGSSLMODE:=prefer}"
  from_url "$DATABASE_URL"
}
[ -n "${PGHOST:-}" ] || refuse "the environment says nowhere where the database is: DATABASE_URL, or PGHOST and its like"
export PGCONNECT_TIMEOUT=10

names=$(cd "$TIMONEL_FOLDER" && ls)
case $names in *.up.sql*) ending=.up.sql single=true ;; *) ending=.sql single=false ;; esac
files=$(printf '%s\n' "$names" | grep -E "^[0-9]+[A-Za-z0-9_.-]*$(printf '%s' "$ending" | sed 's/\./\\./g')\$" | grep -v '\.down\.sql$' | sort -n)
number() { printf '%s' "$1" | sed -E 's/^0*([0-9]+).*/\1/'; }
versions=$(for file in $files; do number "$file"; echo; done)
[ "$(printf '%s\n' $versions | sort | uniq -d | head -n 1)" = "" ] || refuse "two files have one number: $(printf '%s\n' $versions | sort | uniq -d | tr '\n' ' ')"
head=$(printf '%s\n' $versions | tail -n 1)
# What goes back is no part of going on.
up() { printf "awk '/^-- *migrate:down/ { exit } { print }' '%s/%s'" "$TIMONEL_FOLDER" "$1"; }

# One row (ord, id, sql) for each file: psql itself reads them, so that nothing need be quoted here.
files_as_rows() {
  n=0
  for file in $files; do
    n=$((n + 1))
    printf '\\set sql%s `%s`\n' "$n" "$(up "$file")"
  done
  printf "\\\\set files '(select cast(null as int) as ord, cast(null as text) as id, cast(null as text) as sql where false"
  n=0
  for file in $files; do
    n=$((n + 1))
    printf " union all select %s, ''%s'', :''sql%s''" "$n" "$(number "$file")" "$n"
  done
  printf ")'\n"
}
# What is applied and what failed, as two arrays of ids in :applied and :failed; :recorded and :single say what the table is like.
state() {
  cat <<END
\\set table '$TIMONEL_TABLE'
select to_regclass(:'table') is not null as recorded,
  exists (select 1 from pg_attribute where attrelid = to_regclass(:'table') and attname = 'dirty' and not attisdropped)
    or (to_regclass(:'table') is null and $single) as single \\gset
\\if :recorded
\\if :single
with at as (select cast(version as numeric) as version, dirty from :table order by version desc limit 1),
  own as (select id, ord from :files as f)
select coalesce((select json_agg(id order by cast(id as numeric)) from
    (select id from own, at where cast(id as numeric) < at.version union select cast(version as text) from at where not dirty) as done), '[]') as applied,
  coalesce((select json_agg(cast(version as text)) from at where dirty), '[]') as failed \\gset
\\else
with done as (select case when cast(version as text) ~ '^[0-9]+$' then cast(cast(cast(version as text) as numeric) as text) else cast(version as text) end as id
  from :table)
select coalesce((select json_agg(id order by case when id ~ '^[0-9]+$' then cast(id as numeric) end, id) from done), '[]') as applied, '[]' as failed \\gset
\\endif
\\else
\\set applied '[]'
\\set failed '[]'
\\endif
END
}
# The answer, in lines that no log cuts.
inspected() {
  files_as_rows
  state
  cat <<END
\\set why \`printf '%s' "\$TIMONEL_WHY"\`
\\set statement \`printf '%s' "\$TIMONEL_STATEMENT"\`
with files as (select * from :files as f),
told as (select id, sql, ord, cast(:'applied' as jsonb) ? id as done from files),
measured as (select told.*, sum(length(sql)) over (order by done, case when done then -ord else ord end) as upto,
  row_number() over (partition by done order by -ord) as nth from told),
answer as (select replace(cast(json_build_object(
  'tool', 'sql',
  'revisions', (select coalesce(json_agg(json_build_object('id', id, 'down', (select coalesce(json_agg(b.id), '[]') from files b where b.ord = a.ord - 1)) order by ord), '[]') from files a),
  'heads', (select coalesce(json_agg(id), '[]') from (select id from files order by ord desc limit 1) as last),
  'applied', cast(:'applied' as json),
  'failed', cast(:'failed' as json),
  'recorded', :'recorded' = 't',
  'tables', (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p')
    and n.nspname not in ('pg_catalog', 'information_schema') and left(n.nspname, 8) <> 'pg_toast' and c.oid is distinct from to_regclass(:'table')),
  'scripts', case when '$1' = 'applied' then '[]' else (select coalesce(json_agg(json_build_object('id', id,
      'sql', case when upto <= 200000 then sql end, 'why', case when upto <= 200000 then '' else 'its SQL is too long to be shown' end) order by done, ord), '[]')
    from measured where not done or nth <= 20) end,
  'database', cast(($TIMONEL_DATABASE) as json),
  'failure', case when :'why' <> '' then json_build_object('why', :'why', 'statement', :'statement') end
) as text), chr(10), ' ') as text)
select substr(text, n * 4000 + 1, 4000) from answer, generate_series(0, length(text) / 4000) as n order by n;
END
}
# Everything that is pending, in one session that holds the lock: each file with the row that records it, or neither.
applying() {
  files_as_rows
  state
  cat <<END
select pg_try_advisory_lock($TIMONEL_LOCK) as got,
  cast(:'failed' as jsonb) = '[]' and case when '$TIMONEL_APPLIED' = 'null' then true else (select coalesce(jsonb_agg(v order by v), '[]') from jsonb_array_elements_text(cast(:'applied' as jsonb)) as v)
    = (select coalesce(jsonb_agg(v order by v), '[]') from jsonb_array_elements_text(cast('$TIMONEL_APPLIED' as jsonb)) as v) end as same \\gset
\\if :got
\\else
do 'begin raise exception ''timonel: another migration holds the advisory lock $TIMONEL_LOCK''; end';
\\endif
\\if :same
\\else
do 'begin raise exception ''timonel: the database moved since it was inspected''; end';
\\endif
\\echo timonel: the plan still holds; applying
\\if :recorded
\\elif :single
create table $TIMONEL_TABLE (version bigint not null primary key, dirty boolean not null);
\\else
create table $TIMONEL_TABLE (version varchar(128) primary key);
\\endif
END
  for file in $files; do
    version=$(number "$file")
    written=$(printf '%s' "$file" | sed -E 's/^([0-9]+).*/\1/')
    if grep -qE '^-- *migrate:up.*transaction: *false' "$TIMONEL_FOLDER/$file"; then begin= commit=; else begin='begin;' commit='commit;'; fi
    cat <<END
select not cast(:'applied' as jsonb) ? '$version' as pending \\gset
\\if :pending
\\echo timonel: applying $file
END
    # A file that is not of one piece leaves a mark while it is under way, where the table has one.
    [ -n "$begin" ] || printf '\\if :single\ndelete from %s; insert into %s values (%s, true);\n\\endif\n' "$TIMONEL_TABLE" "$TIMONEL_TABLE" "$version"
    echo "$begin"
    # psql's own words would be carried out here; the tools that these files are for do not know them.
    eval "$(up "$file")" | sed 's/^\\/-- \\/'
    cat <<END

;
\\if :single
delete from $TIMONEL_TABLE; insert into $TIMONEL_TABLE values ($version, false);
\\else
insert into $TIMONEL_TABLE (version) values ('$written');
\\endif
$commit
\\endif
END
  done
}

TIMONEL_WHY= TIMONEL_STATEMENT=
export TIMONEL_WHY TIMONEL_STATEMENT
if [ "${TIMONEL_MODE:-inspect}" = apply ]; then
  # Without a word of what was expected an earlier step of the same run has asked this image.
  [ "$TIMONEL_HEADS" = null ] || [ "$TIMONEL_HEADS" = "[\"$head\"]" ] || refuse "the image is another than the one that was inspected: its newest file is ${head:-none}"
  exec 3>&1
  said=$(applying | sql -f - 2>&1 >&3)
  code=$?
  exec 3>&-
  case $said in *"ERROR:  timonel: "*) refuse "$(printf '%s\n' "$said" | sed -n 's/.*ERROR:  timonel: //p' | head -n 1)" ;; esac
  echo "timonel: reading what is applied now"
  if [ "$code" -ne 0 ]; then
    TIMONEL_WHY=$(printf '%s\n' "$said" | sed -nE 's/^.*(ERROR|FATAL):  /\1: /p' | tail -n 1 | cut -c1-500)
    : "${TIMONEL_WHY:=psql: $(printf '%s' "$said" | tail -n 1 | cut -c1-400)}"
    TIMONEL_STATEMENT=$(printf '%s\n' "$said" | sed -n 's/^.*STATEMENT:  //p;t' | tail -n 1 | cut -c1-300)
  fi
  seen=$(inspected applied | sql -f - 2>&1) || refuse "what is applied now cannot be read: $(printf '%s' "$seen" | tail -n 1)"
  printf '%s\n' "$seen" | answer
  exit "$code"
fi
seen=$(inspected asked | sql -f - 2>&1) || refuse "$(printf '%s' "$seen" | sed -n 's/^.*\(ERROR\|FATAL\|error\): *//p' | tail -n 1 | grep . || printf '%s' "$seen" | tail -n 1)"
printf '%s\n' "$seen" | answer
