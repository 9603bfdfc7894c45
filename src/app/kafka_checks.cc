#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "app/config_checks.h"
#include "base/error.h"
#include "base/split.h"
#include "io/http_url.h"
#include "io/ip_range.h"
#include "stream/kafka/properties.h"

namespace millrace::app {
namespace {

bool AllLoopback(const std::string& brokers) {
  return std::ranges::all_of(SplitByCommas(brokers), [](std::string_view each) {
    return io::IsLoopback(each.ends_with(']') ? each : each.substr(0, each.rfind(':')));
  });
}

}  // namespace

void CheckKafkaTls(const KafkaTlsConfig& tls, const std::string& path, config::ParseContext& context) {
  if (tls.certificate_file.has_value() != tls.key_file.has_value()) {
    context.problems.Add(tls.mark, fmt::format("{}: certificate_file and key_file go together", path));
  }
}

void CheckKafkaSasl(const KafkaSaslConfig& sasl, const std::string& path, config::ParseContext& context) {
  const bool by_token = sasl.mechanism == SaslWord::kOAuthBearer;
  if (by_token != sasl.oauth2.has_value()) {
    context.problems.Add(sasl.mark, fmt::format("{}: `oauth2` is for OAUTHBEARER, which needs it", path));
  }
  if (!by_token && (sasl.username.empty() || !sasl.password)) {
    context.problems.Add(sasl.mark, fmt::format("{}: needs username and password", path));
  }
  if (by_token && sasl.oauth2 && !io::MaySendSecretsTo(sasl.oauth2->server_uri)) {
    context.problems.Add(sasl.oauth2->MarkOf("server_uri"),
                         fmt::format("{}.oauth2.server_uri: secrets go over https:// only", path));
  }
}

void CheckKafka(const KafkaConfig& kafka, const std::string& path, config::ParseContext& context) {
  for (const auto& [name, value] : kafka.properties) {
    try {
      stream::CheckKafkaProperty(name);
    } catch (const Error& error) {
      context.problems.Add(kafka.MarkOf("properties"), fmt::format("{}.properties: {}", path, error.message()));
    }
  }
  const bool overheard =
      kafka.sasl && (kafka.sasl->mechanism == SaslWord::kPlain || kafka.sasl->mechanism == SaslWord::kOAuthBearer);
  if (overheard && !kafka.tls && !AllLoopback(kafka.brokers)) {
    context.problems.Add(
        kafka.MarkOf("sasl"),
        fmt::format("{}.sasl: passwords and tokens go over TLS only; give `tls`, or take a SCRAM mechanism", path));
  }
}

}  // namespace millrace::app
