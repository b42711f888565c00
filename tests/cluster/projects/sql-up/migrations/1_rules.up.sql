create table rules (id int primary key, body text);
