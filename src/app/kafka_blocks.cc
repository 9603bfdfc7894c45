#include "app/kafka_blocks.h"

#include "app/config_checks.h"
#include "app/config_words.h"

namespace millrace::app {
namespace {

using config::Block;
using config::Duration;

const Block<KafkaTlsConfig>& TlsBlock() {
  static const auto block =
      Block<KafkaTlsConfig>("Connections to the brokers are encrypted. `{}` is enough where certificates are public.")
          .Add(&KafkaTlsConfig::ca_file,
               {.name = "ca_file", .doc = "PEM file of the certificates to trust. Without it, the system's."})
          .Add(&KafkaTlsConfig::certificate_file,
               {.name = "certificate_file", .doc = "PEM file of this client's certificate, where brokers ask for one."})
          .Add(&KafkaTlsConfig::key_file, {.name = "key_file", .doc = "PEM file of its key."})
          .Add(&KafkaTlsConfig::key_password, {.name = "key_password", .doc = "What opens the key."})
          .Add(&KafkaTlsConfig::verify,
               {.name = "verify",
                .doc = "Whether the brokers' certificates must be valid for their names. Only tests turn it off.",
                .fallback = true})
          .Check(CheckKafkaTls);
  return block;
}

const Block<OAuth2Config>& TokenBlock() {
  static const auto block =
      Block<OAuth2Config>("Tokens by client credentials, fetched anew before they expire.")
          .Add(&OAuth2Config::client_id, {.name = "client_id", .doc = "Who asks.", .required = true})
          .Add(&OAuth2Config::client_secret, {.name = "client_secret", .doc = "Its secret.", .required = true})
          .Add(&OAuth2Config::server_uri, {.name = "server_uri", .doc = "Where tokens come from.", .required = true})
          .Add(&OAuth2Config::scope, {.name = "scope", .doc = "What the token is for."});
  return block;
}

const Block<KafkaSaslConfig>& SaslBlock() {
  static const auto block =
      Block<KafkaSaslConfig>("How this client says who it is.")
          .Add(&KafkaSaslConfig::mechanism,
               {.name = "mechanism", .doc = "The way the brokers ask for.", .fallback = SaslWord::kPlain})
          .Add(&KafkaSaslConfig::username, {.name = "username", .doc = "For PLAIN and SCRAM."})
          .Add(&KafkaSaslConfig::password, {.name = "password", .doc = "For PLAIN and SCRAM."})
          .Nested("oauth2", &KafkaSaslConfig::oauth2, TokenBlock())
          .Check(CheckKafkaSasl);
  return block;
}

}  // namespace

const Block<KafkaConfig>& KafkaBlock() {
  static const auto block =
      Block<KafkaConfig>(
          "Topics live in a Kafka cluster, or in what speaks its protocol and gives topics ids (Kafka 2.8 and newer).")
          .Add(&KafkaConfig::brokers,
               {.name = "brokers", .doc = "Where to begin: host:port, several by commas.", .required = true})
          .Nested("tls", &KafkaConfig::tls, TlsBlock())
          .Nested("sasl", &KafkaConfig::sasl, SaslBlock())
          .Add(
              &KafkaConfig::client_id,
              {.name = "client_id", .doc = "What brokers call this client in logs and quotas.", .fallback = "millrace"})
          .Add(
              &KafkaConfig::group_prefix,
              {.name = "group_prefix",
               .doc = "Consumer groups are called <group_prefix><pipeline>/<table>, producers and topics of millrace's "
                      "own begin with it too.",
               .fallback = "millrace."})
          .Add(&KafkaConfig::worker,
               {.name = "worker",
                .doc = "What this process is called among the workers of the pipeline (group.instance.id): one that "
                       "comes back under its name in time keeps its partitions. By itself a name that stays in the "
                       "data directory."})
          .Add(&KafkaConfig::session_timeout,
               {.name = "session_timeout",
                .doc = "Partitions of a worker that was not heard of for this long go to others.",
                .fallback = Duration(30'000),
                .min = Duration(1000)})
          .Add(&KafkaConfig::revoke_patience,
               {.name = "revoke_patience",
                .doc = "How long partitions that go to another worker wait here for a last commit.",
                .fallback = Duration(30'000)})
          .Add(&KafkaConfig::refresh, {.name = "refresh",
                                       .doc = "How often new partitions and topics are looked for.",
                                       .fallback = Duration(10'000),
                                       .min = Duration(100)})
          .Add(&KafkaConfig::isolation, {.name = "isolation",
                                         .doc = "Whether records of open and aborted transactions are read.",
                                         .fallback = IsolationWord::kReadCommitted})
          .Add(&KafkaConfig::compression,
               {.name = "compression", .doc = "Of what is appended.", .fallback = CodecWord::kLz4})
          .Add(&KafkaConfig::replication,
               {.name = "replication",
                .doc =
                    "Of topics that are made, on how many brokers each partition lies; by itself the brokers' default.",
                .min = 1,
                .max = 100})
          .Add(&KafkaConfig::timeout, {.name = "timeout",
                                       .doc = "How long brokers may take to answer one request.",
                                       .fallback = Duration(30'000),
                                       .min = Duration(1000)})
          .Add(&KafkaConfig::properties,
               {.name = "properties",
                .doc = "Client properties of librdkafka by its own names, of a list of allowed ones (docs/kafka.md)."})
          .Check(CheckKafka);
  return block;
}

}  // namespace millrace::app
