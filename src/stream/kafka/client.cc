#include "stream/kafka/client.h"

#include <fmt/format.h>
#include <syslog.h>

#include <array>
#include <string_view>

#include "base/log.h"
#include "stream/kafka/kafka_error.h"

namespace millrace::stream {
namespace {

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfDeleter>;

void Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) == RD_KAFKA_CONF_OK) return;
  throw Error(ErrorCode::kConfig, fmt::format("stream.kafka: {}", why.data()));
}

/// librdkafka repeats what a token server answered, which may be what it was sent: the client's secret.
std::string WithoutTokenAnswer(std::string text) {
  constexpr std::string_view kOAuth = "OAUTHBEARER token";
  const auto at = text.find(kOAuth);
  if (at == std::string::npos) return text;
  text.erase(at + kOAuth.size());
  return text + ": what answers at sasl.oauth2.server_uri gave none";
}

void OnLog(const rd_kafka_t*, int level, const char* facility, const char* line) {
  const auto text = WithoutTokenAnswer(line);
  if (level <= LOG_CRIT) {
    LogWarning("kafka: {}: {}", facility, text);
  } else {
    LogDebug("kafka: {}: {}", facility, text);
  }
}

/// What a group, or a broker, says no to for good. That a topic is missing passes; so may a refused connection.
bool IsFailure(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      return true;
    default:
      return false;
  }
}

/// A consumer is closed by its owner, who knows what to answer its group.
void DestroyClosed(rd_kafka_t* handle) { rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); }

/// "host:port/bootstrap: Connect to ipv4#... failed: Connection refused (after 0ms in state CONNECT, 2 identical ...)"
/// without what only changes.
std::string Shortened(std::string reason) {
  const auto parenthesis = reason.rfind(" (after ");
  if (parenthesis != std::string::npos) reason.erase(parenthesis);
  return reason;
}

}  // namespace

Client::Client(Kind kind, const KafkaOptions& options, const Properties& more, const Hooks& hooks)
    : brokers_(options.brokers), handle_(nullptr, kind == Kind::kConsumer ? DestroyClosed : rd_kafka_destroy) {
  Conf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : ConnectionProperties(options)) Set(conf.get(), name, value);
  for (const auto& [name, value] : more) Set(conf.get(), name, value);
  for (const auto& [name, value] : options.properties) {
    CheckKafkaProperty(name);
    if (kind == Kind::kConsumer ? IsForConsumers(name) : IsForProducers(name)) Set(conf.get(), name, value);
  }
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  if (hooks.events != 0) rd_kafka_conf_set_events(conf.get(), hooks.events);
  if (hooks.delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf.get(), hooks.delivered);
  std::array<char, 512> why{};
  const auto type = kind == Kind::kConsumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
  handle_.reset(rd_kafka_new(type, conf.get(), why.data(), why.size()));
  if (!handle_) throw Error(ErrorCode::kConfig, fmt::format("stream.kafka: {}", why.data()));
  static_cast<void>(conf.release());  // the handle has it
  const bool tokens = options.sasl && options.sasl->mechanism == SaslMechanism::kOAuthBearer;
  // Nobody needs to poll for a token to be fetched anew.
  if (tokens) ThrowIf(rd_kafka_sasl_background_callbacks_enable(handle()), "tokens of stream.kafka");
}

Client::~Client() = default;

void Client::OnError(rd_kafka_t* handle, int error, const char* reason, void* self) {
  auto code = static_cast<rd_kafka_resp_err_t>(error);
  std::array<char, 512> fatal{};
  if (code == RD_KAFKA_RESP_ERR__FATAL) code = rd_kafka_fatal_error(handle, fatal.data(), fatal.size());
  static_cast<Client*>(self)->Saw(code, WithoutTokenAnswer(fatal[0] != 0 ? fatal.data() : reason));
}

void Client::Saw(rd_kafka_resp_err_t error, const std::string& reason) {
  LogDebug("kafka: {}", reason);
  Told(error, reason);
  const std::lock_guard lock(mutex_);
  // "All brokers are down" comes after the reason that says more.
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !trouble_.empty()) return;
  trouble_ = Shortened(reason);
  refused_ = refused_ || error == RD_KAFKA_RESP_ERR__AUTHENTICATION || error == RD_KAFKA_RESP_ERR__SSL ||
             error == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
}

void Client::Told(rd_kafka_resp_err_t error, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (!IsFailure(error) || failure_) return;
  failure_ = KafkaError(error, "Kafka", reason);
  fenced_ = error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

std::string Client::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

bool Client::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

std::optional<Error> Client::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

bool Client::fenced() const {
  const std::lock_guard lock(mutex_);
  return fenced_;
}

void Client::Answered() {
  const std::lock_guard lock(mutex_);
  trouble_.clear();
  refused_ = false;
}

Error Client::Unreachable(const std::string& what) const {
  const auto reason = trouble();
  const auto told = reason.empty() ? std::string("no answer in time") : reason;
  if (refused()) {
    return {ErrorCode::kConfig,
            fmt::format("{}: the brokers at {} refuse this client ({}); mend `tls` and `sasl` of stream.kafka", what,
                        brokers_, told)};
  }
  return {ErrorCode::kUnavailable,
          fmt::format("{}: no broker of {} answers ({}); start them, or mend `stream.kafka.brokers`", what, brokers_,
                      told)};
}

}  // namespace millrace::stream
