-- migrate:up
create table rules (id int primary key, body text);

-- migrate:down
drop table rules;
