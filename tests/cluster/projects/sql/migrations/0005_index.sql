-- migrate:up transaction:false
create index concurrently rules_note on rules (note);

-- migrate:down
drop index rules_note;
