alter table rules add column note text;
create index rules_note on rules (note);
