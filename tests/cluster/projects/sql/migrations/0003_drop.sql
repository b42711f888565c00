-- migrate:up
alter table rules drop column body;

-- migrate:down
alter table rules add column body text;
