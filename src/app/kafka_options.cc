#include "app/kafka_options.h"

namespace millrace::app {
namespace {

stream::SaslMechanism MechanismOf(SaslWord word) {
  switch (word) {
    case SaslWord::kPlain:
      return stream::SaslMechanism::kPlain;
    case SaslWord::kScramSha256:
      return stream::SaslMechanism::kScramSha256;
    case SaslWord::kScramSha512:
      return stream::SaslMechanism::kScramSha512;
    case SaslWord::kOAuthBearer:
      return stream::SaslMechanism::kOAuthBearer;
  }
  return stream::SaslMechanism::kPlain;
}

const char* CodecOf(CodecWord word) {
  switch (word) {
    case CodecWord::kNone:
      return "none";
    case CodecWord::kGzip:
      return "gzip";
    case CodecWord::kSnappy:
      return "snappy";
    case CodecWord::kLz4:
      return "lz4";
    case CodecWord::kZstd:
      return "zstd";
  }
  return "none";
}

stream::KafkaTls TlsOf(const KafkaTlsConfig& config) {
  stream::KafkaTls tls;
  if (config.ca_file) tls.ca_file = config.ca_file->value;
  if (config.certificate_file) tls.certificate_file = config.certificate_file->value;
  if (config.key_file) tls.key_file = config.key_file->value;
  if (config.key_password) tls.key_password = config.key_password->Reveal();
  tls.verify = config.verify;
  return tls;
}

stream::KafkaSasl SaslOf(const KafkaSaslConfig& config) {
  stream::KafkaSasl sasl;
  sasl.mechanism = MechanismOf(config.mechanism);
  sasl.username = config.username;
  if (config.password) sasl.password = config.password->Reveal();
  if (config.oauth2) {
    sasl.token_endpoint = config.oauth2->server_uri;
    sasl.client_id = config.oauth2->client_id;
    sasl.client_secret = config.oauth2->client_secret.Reveal();
    sasl.scope = config.oauth2->scope;
  }
  return sasl;
}

}  // namespace

stream::KafkaOptions KafkaOptionsFor(const KafkaConfig& config) {
  stream::KafkaOptions options;
  options.brokers = config.brokers;
  options.client_id = config.client_id;
  if (config.tls) options.tls = TlsOf(*config.tls);
  if (config.sasl) options.sasl = SaslOf(*config.sasl);
  options.properties = config.properties;
  options.group_prefix = config.group_prefix;
  options.worker = config.worker;
  options.session_timeout = config.session_timeout;
  options.revoke_patience = config.revoke_patience;
  options.refresh = config.refresh;
  options.read_committed = config.isolation == IsolationWord::kReadCommitted;
  options.compression = CodecOf(config.compression);
  if (config.replication) options.replication = static_cast<int>(*config.replication);
  options.timeout = config.timeout;
  return options;
}

}  // namespace millrace::app
