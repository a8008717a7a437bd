package io.github.secretscontroller.admission;

import java.util.List;

/**
 * How {@code kms:} references are opened.
 *
 * @param keys ARNs of the only KMS keys that values are opened with
 * @param cluster the cluster's name, which values must be sealed for
 */
record KmsSettings(List<String> keys, String cluster) {}
