package io.github.secretscontroller.aws;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.containing;
import static com.github.tomakehurst.wiremock.client.WireMock.matching;
import static com.github.tomakehurst.wiremock.client.WireMock.post;
import static com.github.tomakehurst.wiremock.client.WireMock.postRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.urlEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.MappingBuilder;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.http.Fault;
import com.github.tomakehurst.wiremock.stubbing.Scenario;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A server that answers as AWS documents, for what no emulator does: refusals, throttling, faults
 * of the network. Speaks the JSON 1.1 protocol, whose operation is in the header {@code
 * X-Amz-Target}.
 */
final class StubAws implements AutoCloseable {

  static final String ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-hlRvvF";
  static final String REQUEST_ID = "f1e2d3c4-0000-4000-8000-00000000abcd";

  private static final int LAST = 10;

  private final WireMockServer server =
      new WireMockServer(options().dynamicPort().bindAddress("127.0.0.1"));

  StubAws() {
    server.start();
  }

  String url() {
    return server.baseUrl();
  }

  Map<String, String> variables() {
    Map<String, String> variables = new HashMap<>();
    variables.put("AWS_REGION", "us-east-1");
    variables.put("AWS_ACCESS_KEY_ID", "test");
    variables.put("AWS_SECRET_ACCESS_KEY", "test");
    variables.put("AWS_ENDPOINT_URL", url());
    return variables;
  }

  AwsEnvironment environment() {
    return AwsEnvironment.of(variables()).withDeadline(Duration.ofSeconds(5));
  }

  /** Answers an operation with a JSON document. */
  void answer(String operation, String json) {
    server.stubFor(on(operation).willReturn(ok(json)));
  }

  /** Answers an operation on one secret with a JSON document. */
  void answerFor(String operation, String id, String json) {
    server.stubFor(on(operation).withRequestBody(containing(id)).willReturn(ok(json)));
  }

  /** Refuses an operation as the JSON protocol does. */
  void refuse(String operation, int status, String code, String message) {
    server.stubFor(on(operation).willReturn(error(status, code, message)));
  }

  /** Refuses an operation the first few times, and then answers it. */
  void refuseThenAnswer(String operation, int times, int status, String code, String json) {
    for (int i = 0; i < times; i++) {
      server.stubFor(
          on(operation)
              .inScenario(operation)
              .whenScenarioStateIs(i == 0 ? Scenario.STARTED : "refused " + i)
              .willSetStateTo("refused " + (i + 1))
              .willReturn(error(status, code, "slow down")));
    }
    server.stubFor(
        on(operation)
            .inScenario(operation)
            .whenScenarioStateIs("refused " + times)
            .willReturn(ok(json)));
  }

  /** Answers an AWS Query request, the protocol of STS, with XML. */
  void answerQuery(String action, int status, String xml) {
    server.stubFor(
        post(urlEqualTo("/"))
            .withRequestBody(containing("Action=" + action))
            .willReturn(
                aResponse()
                    .withStatus(status)
                    .withHeader("Content-Type", "text/xml")
                    .withHeader("x-amzn-RequestId", REQUEST_ID)
                    .withBody(xml)));
  }

  /** Breaks each connection for an operation. */
  void breakAlways(String operation, Fault fault) {
    server.stubFor(on(operation).willReturn(aResponse().withFault(fault)));
  }

  /** Hands requests for an operation on, unless something else is said of it. */
  void passOn(String operation, String url) {
    server.stubFor(on(operation).atPriority(LAST).willReturn(aResponse().proxiedFrom(url)));
  }

  /** Breaks the first connection for an operation. */
  void breakOnce(String operation, Fault fault) {
    server.stubFor(once(operation).willReturn(aResponse().withFault(fault)));
  }

  /** Refuses an operation once. */
  void refuseOnce(String operation, int status, String code) {
    server.stubFor(once(operation).willReturn(error(status, code, "not now")));
  }

  private static MappingBuilder once(String operation) {
    return on(operation)
        .inScenario("once " + operation)
        .whenScenarioStateIs(Scenario.STARTED)
        .willSetStateTo("done");
  }

  void delay(String operation, Duration delay, String json) {
    server.stubFor(
        on(operation).willReturn(ok(json).withFixedDelay(Math.toIntExact(delay.toMillis()))));
  }

  /** The bodies of the requests for an operation, in the order in which they came. */
  List<String> requests(String operation) {
    return server
        .findAll(
            postRequestedFor(urlEqualTo("/"))
                .withHeader("X-Amz-Target", matching(".*\\." + operation)))
        .stream()
        .map(request -> request.getBodyAsString())
        .toList();
  }

  /** A header of each request, whatever it asked for. */
  List<String> headers(String name) {
    return server.findAll(postRequestedFor(urlEqualTo("/"))).stream()
        .map(request -> request.getHeader(name))
        .toList();
  }

  /** How many requests came in all. */
  int count() {
    return server.getAllServeEvents().size();
  }

  /** What GetSecretValue answers for a string. */
  static String secret(String arn, String value) {
    String name = arn.substring(arn.lastIndexOf(':') + 1, arn.length() - 7);
    return """
        {"ARN": "%s", "Name": "%s", "VersionId": "11111111-2222-4333-8444-555555555555",
         "SecretString": "%s", "VersionStages": ["AWSCURRENT"], "CreatedDate": 1790000000.5}
        """
        .formatted(arn, name, value);
  }

  @Override
  public void close() {
    server.stop();
  }

  private static MappingBuilder on(String operation) {
    return post(urlEqualTo("/")).withHeader("X-Amz-Target", matching(".*\\." + operation));
  }

  private static ResponseDefinitionBuilder ok(String json) {
    return aResponse()
        .withStatus(200)
        .withHeader("Content-Type", "application/x-amz-json-1.1")
        .withHeader("x-amzn-RequestId", REQUEST_ID)
        .withBody(json);
  }

  private static ResponseDefinitionBuilder error(int status, String code, String message) {
    return aResponse()
        .withStatus(status)
        .withHeader("Content-Type", "application/x-amz-json-1.1")
        .withHeader("x-amzn-RequestId", REQUEST_ID)
        .withBody("{\"__type\": \"%s\", \"Message\": \"%s\"}".formatted(code, message));
  }
}
