#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace millrace::stream {

/// Connections to brokers are encrypted. Files are PEM.
struct KafkaTls {
  std::string ca_file;           // empty: the system's
  std::string certificate_file;  // with key_file: how this client shows who it is
  std::string key_file;
  std::string key_password;
  bool verify = true;  // the certificate must be valid for the host name
};

enum class SaslMechanism { kPlain, kScramSha256, kScramSha512, kOAuthBearer };

struct KafkaSasl {
  SaslMechanism mechanism = SaslMechanism::kPlain;
  std::string username;
  std::string password;
  /// kOAuthBearer: tokens by client credentials (OIDC).
  std::string token_endpoint;
  std::string client_id;
  std::string client_secret;
  std::string scope;
};

struct KafkaOptions {
  std::string brokers;  // "host:port,host:port"
  std::string client_id = "millrace";
  std::optional<KafkaTls> tls;
  std::optional<KafkaSasl> sasl;
  /// Settings of librdkafka by its own names, besides; those that CheckKafkaProperty allows.
  std::map<std::string, std::string> properties;

  /// Before the name of a reader: its consumer group.
  std::string group_prefix = "millrace.";
  /// Who this process is among the workers of a group, the same at each start (Kafka's static membership): one that
  /// comes back in time keeps its partitions. Empty: a new member each time.
  std::string worker;
  std::chrono::milliseconds session_timeout{30'000};
  /// How long partitions that go to another worker wait here for what was read of them to be committed.
  std::chrono::milliseconds revoke_patience{30'000};
  /// How often brokers are asked for new partitions, topics and incarnations of topics.
  std::chrono::milliseconds refresh{10'000};
  bool read_committed = true;
  /// What one reader may hold, in librdkafka's queue and in its own, half each.
  int64_t reader_bytes = int64_t{32} << 20;

  std::string compression = "lz4";
  /// How long records wait for others to be sent with.
  std::chrono::milliseconds linger{2};
  /// Of topics that are made without saying; absent: the broker's default.
  std::optional<int> replication;

  /// How long one request may take, and brokers may be away before that is an error.
  std::chrono::milliseconds timeout{30'000};
  /// The same for records that are appended.
  std::chrono::milliseconds delivery_timeout{120'000};
};

}  // namespace millrace::stream
