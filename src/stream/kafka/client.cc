#include "stream/kafka/client.h"

#include <fmt/format.h>
#include <syslog.h>

#include <array>
#include <charconv>
#include <string_view>

#include "base/log.h"
#include "io/http_url.h"
#include "stream/kafka/kafka_error.h"
#include "stream/kafka/token_server.h"

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
  for (const std::string_view start : {"OAUTHBEARER token", "retrieve OIDC token", "retrieve JWT token"}) {
    const auto at = text.find(start);
    if (at == std::string::npos) continue;
    text.erase(at + start.size());
    return text + ": what answers at sasl.oauth2.server_uri gave none";
  }
  return text;
}

/// "... Failed to retrieve OIDC token from "<url>": <what it said> (500)"; nullopt: that is not what it is about.
std::optional<int> TokenAnswerOf(std::string_view line) {
  if (line.find("Failed to retrieve OIDC token") == std::string_view::npos || !line.ends_with(')')) return std::nullopt;
  const auto open = line.rfind('(');
  int status = -1;
  if (open != std::string_view::npos) std::from_chars(line.data() + open + 1, line.data() + line.size() - 1, status);
  return status >= 100 && status <= 599 ? status : -1;
}

/// Another try may be answered otherwise.
bool MayPass(int status) { return status < 400 || status == 408 || status == 429 || status >= 500; }

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
    : brokers_(options.brokers),
      tokens_(options.sasl && options.sasl->mechanism == SaslMechanism::kOAuthBearer ? options.sasl : std::nullopt),
      handle_(nullptr, kind == Kind::kConsumer ? DestroyClosed : rd_kafka_destroy) {
  Conf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : ConnectionProperties(options)) Set(conf.get(), name, value);
  for (const auto& [name, value] : more) Set(conf.get(), name, value);
  for (const auto& [name, value] : options.properties) {
    CheckKafkaProperty(name);
    if (kind == Kind::kConsumer ? IsForConsumers(name) : IsForProducers(name)) Set(conf.get(), name, value);
  }
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  rd_kafka_conf_set_log_cb(conf.get(), &Client::OnLog);
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

void Client::OnLog(const rd_kafka_t* handle, int level, const char* facility, const char* line) {
  auto* const self = handle == nullptr ? nullptr : static_cast<Client*>(rd_kafka_opaque(handle));
  if (const auto answer = TokenAnswerOf(line); answer && self != nullptr) self->SawTokenAnswer(*answer);
  const auto text = WithoutTokenAnswer(line);
  if (level <= LOG_CRIT) {
    LogWarning("kafka: {}: {}", facility, text);
  } else {
    LogDebug("kafka: {}: {}", facility, text);
  }
}

void Client::SawTokenAnswer(int status) {
  const std::lock_guard lock(mutex_);
  token_answer_ = status;
}

void Client::Saw(rd_kafka_resp_err_t error, const std::string& reason) {
  LogDebug("kafka: {}", reason);
  Told(error, reason);
  const std::lock_guard lock(mutex_);
  // "All brokers are down" comes after the reason that says more.
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !trouble_.empty()) return;
  trouble_ = Shortened(reason);
  // What the token server does not give, the brokers have not refused.
  const bool passes = token_answer_ && MayPass(*token_answer_);
  refused_ = refused_ || (error == RD_KAFKA_RESP_ERR__AUTHENTICATION && !passes) || error == RD_KAFKA_RESP_ERR__SSL ||
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

std::optional<int> Client::token_answer() const {
  const std::lock_guard lock(mutex_);
  return token_answer_;
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
  token_answer_.reset();
}

Error Client::Unreachable(const std::string& what) const {
  const auto reason = trouble();
  const auto told = reason.empty() ? std::string("no answer in time") : reason;
  auto answer = token_answer();
  if (!answer && reason.empty() && tokens_) answer = AskTokenServer(*tokens_);
  if (answer && tokens_ && *answer != 200) {
    const auto token_server = io::ShownUrl(tokens_->token_endpoint);
    const auto said = *answer < 0 ? std::string("does not answer") : fmt::format("answers {}", *answer);
    if (!MayPass(*answer)) {
      return {
          ErrorCode::kConfig,
          fmt::format("{}: the token server {} {} and gives no token; mend `client_id`, `client_secret` and `scope` "
                      "of stream.kafka.sasl.oauth2",
                      what, token_server, said)};
    }
    return {
        ErrorCode::kUnavailable,
        fmt::format("{}: the token server {} {} and gives no token, without which no broker of {} is asked; see its "
                    "log, or mend `stream.kafka.sasl.oauth2.server_uri`",
                    what, token_server, said, brokers_)};
  }
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
