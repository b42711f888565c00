select cast(json_build_object(
  'server', cast(current_setting('server_version_num') as int) / 10000,
  'bytes', pg_database_size(current_database()),
  'lock_timeout_ms', (select cast(setting as bigint) from pg_settings where name = 'lock_timeout'),
  'locked', exists (select 1 from pg_locks
    where locktype = 'advisory' and granted and pid <> pg_backend_pid() and objsubid = 1
      and database = (select oid from pg_database where datname = current_database())
      and cast(classid as bigint) = HIGH and cast(objid as bigint) = LOW),
  'sessions', (select coalesce(json_agg(json_build_object(
      'pid', pid, 'seconds', seconds, 'state', state, 'program', program, 'tables', tables) order by seconds desc), '[]')
    -- Of a session of another role its locks alone can be seen, without a right to more: it has no state here, and no age.
    from (select a.pid, coalesce(cast(extract(epoch from now() - a.xact_start) as bigint), 0) as seconds, coalesce(a.state, '') as state,
        left(coalesce(a.application_name, ''), 60) as program,
        coalesce(json_agg(distinct case n.nspname when current_schema() then c.relname else n.nspname || '.' || c.relname end)
          filter (where n.nspname is not null), '[]') as tables
      from pg_stat_activity a
      left join pg_locks l on l.pid = a.pid and l.locktype = 'relation' and l.granted
        and l.database = (select oid from pg_database where datname = current_database())
      left join pg_class c on c.oid = l.relation and c.relkind in ('r', 'p')
      left join pg_namespace n on n.oid = c.relnamespace and n.nspname not in ('pg_catalog', 'information_schema')
      where a.datname = current_database() and a.pid <> pg_backend_pid()
        and (a.backend_type = 'client backend' or (a.backend_type is null and a.usesysid is not null))
      group by a.pid, a.xact_start, a.state, a.application_name
      having extract(epoch from now() - a.xact_start) > 5 or count(n.nspname) > 0
      order by count(n.nspname) > 0 desc, 2 desc limit 100) as open),
  'invalid', (select coalesce(json_agg(name), '[]') from (
    select case n.nspname when current_schema() then c.relname else n.nspname || '.' || c.relname end as name
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where not i.indisvalid and left(n.nspname, 8) <> 'pg_toast' limit 50) as indexes),
  'sizes', (select coalesce(json_object_agg(name, json_build_object('rows', rows, 'bytes', bytes)), '{}') from (
    select case n.nspname when current_schema() then c.relname else n.nspname || '.' || c.relname end as name,
        cast(greatest(c.reltuples, 0) as bigint) as rows,
        -- What is locked for itself cannot be measured without waiting for it.
        case when exists (select 1 from pg_locks l where l.relation = c.oid and l.granted and l.mode = 'AccessExclusiveLock')
          then 0 else pg_total_relation_size(c.oid) end as bytes
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and left(n.nspname, 8) <> 'pg_toast'
      order by 3 desc limit 200) as tables)
) as text)
