// Print the SQL of one direction of the tutorial's migration: node render.js up|down
// The migration itself runs, against a query runner that prints instead of sending.
const Initial = require('../typeorm/src/migration/1646683871219-Initial.js');

new Initial()[process.argv[2]]({
  query: async (sql) => console.log(sql.replace(/^\n|\s+$/g, '').replace(/^ {6}/gm, '') + '\n'),
});
