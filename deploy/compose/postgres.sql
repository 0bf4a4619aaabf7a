-- The server's role is held by row-level security, and owns its database.
CREATE ROLE parley LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD 'parley';
ALTER DATABASE parley OWNER TO parley;
