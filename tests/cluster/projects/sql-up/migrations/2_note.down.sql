drop index rules_note;
alter table rules drop column note;
