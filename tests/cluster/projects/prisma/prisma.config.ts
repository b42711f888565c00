import pg from "pg";
import { PrismaPg } from "@prisma/adapter-pg";
import { defineConfig } from "prisma/config";

// The adapter does not know PostgreSQL's type `name`, which the server's own tables are full of: to it, it is text.
const fields = pg.Result.prototype.addFields;
pg.Result.prototype.addFields = function (all) {
  for (const field of all) if (field.dataTypeID === 19) field.dataTypeID = 25;
  return fields.call(this, all);
};

export default defineConfig({
  schema: "prisma/schema.prisma",
  // Prisma's other engine is a program that it downloads when it is first run.
  engine: "js",
  experimental: { adapter: true },
  // Without it the tool waits ten seconds for its own idle connections before it ends.
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL, idleTimeoutMillis: 1 }),
});
