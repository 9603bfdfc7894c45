#include "stream/kafka/properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/nearest.h"

namespace millrace::stream {
namespace {

constexpr std::string_view kForEverybody[] = {
    "broker.address.family",
    "broker.address.ttl",
    "client.dns.lookup",
    "client.rack",
    "connections.max.idle.ms",
    "enable.metrics.push",
    "metadata.max.age.ms",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "receive.message.max.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.max.fails",
    "socket.nagle.disable",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "socket.timeout.ms",
    "ssl.cipher.suites",
    "ssl.curves.list",
    "ssl.sigalgs.list",
    "topic.metadata.propagation.max.ms",
    "topic.metadata.refresh.fast.interval.ms",
    "topic.metadata.refresh.interval.ms",
};
constexpr std::string_view kForConsumers[] = {
    "coordinator.query.interval.ms",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "heartbeat.interval.ms",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
};
constexpr std::string_view kForProducers[] = {
    "batch.num.messages", "batch.size",         "compression.level",      "linger.ms",
    "message.max.bytes",  "request.timeout.ms", "transaction.timeout.ms",
};

bool In(auto&& list, std::string_view name) { return std::ranges::find(list, name) != std::end(list); }

const char* NameOf(SaslMechanism mechanism) {
  switch (mechanism) {
    case SaslMechanism::kPlain:
      return "PLAIN";
    case SaslMechanism::kScramSha256:
      return "SCRAM-SHA-256";
    case SaslMechanism::kScramSha512:
      return "SCRAM-SHA-512";
    case SaslMechanism::kOAuthBearer:
      return "OAUTHBEARER";
  }
  return "PLAIN";
}

void AddTls(const KafkaTls& tls, Properties& out) {
  if (!tls.ca_file.empty()) out.emplace_back("ssl.ca.location", tls.ca_file);
  if (!tls.certificate_file.empty()) out.emplace_back("ssl.certificate.location", tls.certificate_file);
  if (!tls.key_file.empty()) out.emplace_back("ssl.key.location", tls.key_file);
  if (!tls.key_password.empty()) out.emplace_back("ssl.key.password", tls.key_password);
  if (!tls.verify) {
    out.emplace_back("enable.ssl.certificate.verification", "false");
    out.emplace_back("ssl.endpoint.identification.algorithm", "none");
  }
}

void AddSasl(const KafkaSasl& sasl, Properties& out) {
  out.emplace_back("sasl.mechanism", NameOf(sasl.mechanism));
  if (sasl.mechanism != SaslMechanism::kOAuthBearer) {
    out.emplace_back("sasl.username", sasl.username);
    out.emplace_back("sasl.password", sasl.password);
    return;
  }
  out.emplace_back("sasl.oauthbearer.method", "oidc");
  out.emplace_back("sasl.oauthbearer.token.endpoint.url", sasl.token_endpoint);
  out.emplace_back("sasl.oauthbearer.client.id", sasl.client_id);
  out.emplace_back("sasl.oauthbearer.client.secret", sasl.client_secret);
  if (!sasl.scope.empty()) out.emplace_back("sasl.oauthbearer.scope", sasl.scope);
}

}  // namespace

void CheckKafkaProperty(const std::string& name) {
  if (In(kForEverybody, name) || In(kForConsumers, name) || In(kForProducers, name)) return;
  std::vector<std::string> names;
  for (const auto& list : {std::vector<std::string_view>(std::begin(kForEverybody), std::end(kForEverybody)),
                           std::vector<std::string_view>(std::begin(kForConsumers), std::end(kForConsumers)),
                           std::vector<std::string_view>(std::begin(kForProducers), std::end(kForProducers))}) {
    names.insert(names.end(), list.begin(), list.end());
  }
  const auto near = NearestWord(name, names);
  throw Error(ErrorCode::kConfig,
              fmt::format("'{}' is no client property that may be set here{}; docs/kafka.md lists those that are", name,
                          near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

bool IsForConsumers(const std::string& name) { return !In(kForProducers, name); }
bool IsForProducers(const std::string& name) { return !In(kForConsumers, name); }

Properties ConnectionProperties(const KafkaOptions& options) {
  Properties out = {{"bootstrap.servers", options.brokers},
                    {"client.id", options.client_id},
                    {"security.protocol", options.tls ? (options.sasl ? "sasl_ssl" : "ssl")
                                                      : (options.sasl ? "sasl_plaintext" : "plaintext")},
                    {"socket.keepalive.enable", "true"},
                    {"enable.metrics.push", "false"},
                    // Half of it is how long the library waits between two brokers that it knows of, the first time
                    // too: its own 100 ms are 50 ms of each start. It doubles up to the maximum.
                    {"reconnect.backoff.ms", "20"},
                    {"reconnect.backoff.max.ms", "2000"},
                    {"topic.metadata.propagation.max.ms", "5000"},
                    {"topic.metadata.refresh.interval.ms", std::to_string(options.refresh.count())}};
  if (options.tls) AddTls(*options.tls, out);
  if (options.sasl) AddSasl(*options.sasl, out);
  return out;
}

}  // namespace millrace::stream
