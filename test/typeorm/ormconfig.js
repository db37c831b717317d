// The connection of test/typeorm/run; what `typeorm` reads besides is as in the tutorial's ormconfig.json.
module.exports = {
  type: 'postgres',
  host: process.env.PGHOST,
  port: Number(process.env.PGPORT),
  username: process.env.PGUSER,
  database: process.env.PGDATABASE,
  logging: false,
  migrations: (process.env.MIGRATIONS || 'src/migration/*.js').split(' '),
  cli: { migrationsDir: 'src/migration' },
};
