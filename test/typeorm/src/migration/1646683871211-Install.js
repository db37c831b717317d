module.exports = class Install1646683871211 {

  async up(queryRunner) {
    await queryRunner.query(`
      SELECT * from iasql_install(
         'aws_iam',
         'aws_cloudwatch',
         'aws_ecr',
         'aws_ecs_fargate',
         'aws_elb',
         'aws_security_group',
         'aws_vpc'
      );
    `);
  }

  async down(queryRunner) {
    await queryRunner.query(`
      SELECT * from iasql_uninstall(
         'aws_iam',
         'aws_cloudwatch',
         'aws_ecr',
         'aws_ecs_fargate',
         'aws_elb',
         'aws_security_group',
         'aws_vpc'
      );
    `);
  }
}
