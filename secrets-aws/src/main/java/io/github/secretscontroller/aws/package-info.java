/** Secret sources and writers on AWS Secrets Manager, Parameter Store and KMS. */
@NullMarked
package io.github.secretscontroller.aws;

import org.jspecify.annotations.NullMarked;
