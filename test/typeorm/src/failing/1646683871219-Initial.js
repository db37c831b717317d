// The tutorial's migration, but a statement after the apply raises while FAIL is set, and with PLAIN none of its statements
// begins or commits a transaction: all of it is in the one that TypeORM began.
const Initial = require('../migration/1646683871219-Initial.js');

module.exports = class Initial1646683871219 {

  runner(queryRunner) {
    const plain = (sql) => sql.replace(/\b(BEGIN|COMMIT);/g, '');
    return { query: (sql) => queryRunner.query(process.env.PLAIN ? plain(sql) : sql) };
  }

  async up(queryRunner) {
    await new Initial().up(this.runner(queryRunner));
    if (process.env.FAIL) {
      await queryRunner.query('SELECT after_the_apply');
    }
  }

  async down(queryRunner) {
    await new Initial().down(this.runner(queryRunner));
  }
}
