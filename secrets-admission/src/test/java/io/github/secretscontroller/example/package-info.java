/** What docs/extending.md shows: a mutator of somebody who uses the library. */
package io.github.secretscontroller.example;
