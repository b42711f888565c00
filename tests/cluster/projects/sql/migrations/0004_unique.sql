-- migrate:up
alter table rules add column kind text;
create unique index rules_kind on rules ((kind is null));

-- migrate:down
alter table rules drop column kind;
