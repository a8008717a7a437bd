package io.github.secretscontroller.admission;

import java.util.HashMap;
import java.util.Map;

/**
 * NASE's annotation, which named the secret of a Deployment. NASE never got further than to print
 * its value; here a pod that has it gets the secret as a file, if the operator chose the profile.
 */
final class NaseAnnotation {

  static final String KEY = "nase.mhausenblas.info/secret-arn";

  /** What it means: a secret by the name of the one key that NASE knew. */
  static final String MEANING = Annotations.PREFIX + "secret." + NativeLayout.NASE_KEY;

  private NaseAnnotation() {}

  /** The same annotations with what it means in its place, unless that is there already. */
  static Map<String, String> translate(Map<String, String> annotations) {
    Map<String, String> translated = new HashMap<>(annotations);
    String arn = translated.remove(KEY);
    if (arn != null) {
      translated.putIfAbsent(MEANING, arn);
    }
    return translated;
  }

  /** For a pod that has it where the operator didn't choose the profile. */
  static String ignored() {
    return "annotation "
        + KEY
        + " is NASE's, and ignored; write "
        + MEANING
        + ", or ask the operator for nativeSecrets.profile: nase";
  }
}
