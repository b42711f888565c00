-- migrate:up
alter table rules add column note text;

-- migrate:down
alter table rules drop column note;
