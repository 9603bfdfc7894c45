#include "schema/registry/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/error.h"
#include "io/digest.h"
#include "io/http_client.h"
#include "io/one_line.h"
#include "io/outage_patience.h"
#include "io/percent_encoding.h"
#include "io/retry_budget.h"
#include "schema/json_object.h"
#include "schema/registry/references.h"

namespace millrace::schema {
namespace {

using Json = nlohmann::json;

constexpr const char* kMediaType = "application/vnd.schemaregistry.v1+json";
constexpr size_t kCachedMax = 10'000;
constexpr size_t kRefusalCharactersMax = 400;
constexpr int64_t kAnswerBytesMax = int64_t{32} << 20;

struct Answer {
  int status = 0;
  int code = 0;         // Confluent's error code, 0: none
  std::string message;  // of an error
  Json body;
  std::string address;
};

Answer Read(const io::HttpResponse& response, const std::string& address) {
  Answer answer{.status = response.status, .code = 0, .message = {}, .body = {}, .address = address};
  answer.body = MaybeParseJson(response.body).value_or(Json(Json::value_t::discarded));
  if (!answer.body.is_object()) return answer;
  if (const auto code = answer.body.find("error_code"); code != answer.body.end() && code->is_number_integer()) {
    answer.code = code->get<int>();
  }
  if (const auto message = answer.body.find("message"); message != answer.body.end() && message->is_string()) {
    answer.message = io::OneLine(message->get<std::string>(), kRefusalCharactersMax);
  }
  return answer;
}

/// Not what a registry answers: it is none, or what it has of one schema is damaged.
class StrangeAnswer final : public Error {
 public:
  explicit StrangeAnswer(std::string message) : Error(ErrorCode::kConfig, std::move(message)) {}
};

[[noreturn]] void Refused(const std::string& doing, const Answer& answer) {
  const auto why = fmt::format("{}: the schema registry at {} answers {}{}{}", doing, answer.address, answer.status,
                               answer.message.empty() ? "" : ": ", answer.message);
  switch (answer.status) {
    case 401:
      throw Error(ErrorCode::kConfig, why + "; check the username, password or token of `schema_registry`");
    case 403:
      throw Error(ErrorCode::kConfig, why + "; give this user the right to do it in the registry");
    case 409:
      throw Error(ErrorCode::kData, why + "; change the schema, or the subject's compatibility");
    case 422:
      throw Error(ErrorCode::kData, why + "; mend the schema");
    case 429:
      throw Error(ErrorCode::kUnavailable, why + "; try again later");
    default:
      break;
  }
  if (answer.status >= 500) throw Error(ErrorCode::kUnavailable, why + "; look at the registry's log, then try again");
  throw StrangeAnswer(why +
                      "; is that the address of a schema registry (Apicurio's ends in "
                      "/apis/ccompat/v7)?");
}

/// Confluent's words for "there is none of these"; Apicurio has the same.
bool IsAbsent(const Answer& answer) {
  return answer.status == 404 && (answer.code == 40401 || answer.code == 40402 || answer.code == 40403);
}

Json ToJson(const SchemaText& schema) {
  Json json{{"schema", schema.text}, {"schemaType", ToString(schema.kind)}};
  if (schema.references.empty()) return json;
  json["references"] = Json::array();
  for (const auto& reference : schema.references) {
    json["references"].push_back(
        {{"name", reference.name}, {"subject", reference.subject}, {"version", reference.version}});
  }
  return json;
}

/// What an answer says of a schema.
SchemaText TextOf(const std::string& doing, const Answer& answer) {
  const auto text = answer.body.find("schema");
  if (text == answer.body.end() || !text->is_string()) Refused(doing, answer);
  const auto word = answer.body.value("schemaType", std::string("AVRO"));
  const auto kind = ParseSchemaKind(word);
  if (!kind) throw Error(ErrorCode::kData, fmt::format("{}: schemas of type {} are not read here", doing, word));
  SchemaText schema{.kind = *kind, .text = text->get<std::string>()};
  const auto references = answer.body.find("references");
  if (references == answer.body.end() || !references->is_array()) return schema;
  for (const auto& reference : *references) {
    if (!reference.is_object()) continue;
    schema.references.push_back({.name = reference.value("name", std::string()),
                                 .subject = reference.value("subject", std::string()),
                                 .version = reference.value("version", 0)});
  }
  return schema;
}

}  // namespace

class RegistryClient::Impl {
 public:
  Impl(RegistryClientOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock), http_({.ca_file = options_.ca_file}) {
    for (auto& url : options_.urls) {
      while (url.ends_with('/')) url.pop_back();
    }
    if (options_.urls.empty()) throw Error(ErrorCode::kConfig, "a schema registry has no address");
  }

  RegisteredSchemaPtr Find(int32_t id) {
    {
      const std::scoped_lock lock(mutex_);
      if (const auto found = by_id_.find(id); found != by_id_.end()) return found->second;
    }
    const auto doing = fmt::format("asking for schema {}", id);
    const auto answer = Ask(doing, "GET", fmt::format("/schemas/ids/{}", id), {});
    if (IsAbsent(answer)) return nullptr;
    auto schema = OfARegistry(doing, [&] { return Complete(id, Checked(doing, answer)); });
    const std::scoped_lock lock(mutex_);
    if (by_id_.size() >= kCachedMax) by_id_.clear();
    return by_id_.emplace(id, std::move(schema)).first->second;
  }

  int32_t Register(const std::string& subject, const SchemaText& schema) {
    return NumberOf(fmt::format("registering a schema under {}", subject),
                    fmt::format("/subjects/{}/versions", io::PercentEncoded(subject)), schema, "id");
  }

  int32_t VersionOf(const std::string& subject, const SchemaText& schema) {
    return NumberOf(fmt::format("asking which version of {} a schema is", subject),
                    fmt::format("/subjects/{}", io::PercentEncoded(subject)), schema, "version");
  }

  RegisteredSchemaPtr Version(const std::string& subject, std::optional<int32_t> version) {
    const auto which = version ? std::to_string(*version) : "latest";
    const auto doing = fmt::format("asking for the schema {} of {}", which, subject);
    const auto path = fmt::format("/subjects/{}/versions/{}", io::PercentEncoded(subject), which);
    const auto answer = Ask(doing, "GET", path, {});
    if (IsAbsent(answer)) return nullptr;
    return Complete(answer.body.value("id", 0), Checked(doing, answer));
  }

 private:
  int32_t NumberOf(const std::string& doing, const std::string& path, const SchemaText& schema, const char* member) {
    const auto answer = Ask(doing, "POST", path, ToJson(schema).dump());
    if (answer.status != 200) Refused(doing, answer);
    const auto number = answer.body.find(member);
    if (number == answer.body.end() || !number->is_number_integer()) Refused(doing, answer);
    return number->get<int32_t>();
  }

  /// Where the registry is one but for this schema, Error kData says so: others can be read.
  template <typename Body>
  RegisteredSchemaPtr OfARegistry(const std::string& doing, Body&& body) {
    std::string strange;
    try {
      return body();
    } catch (const StrangeAnswer& error) {
      strange = error.message();
    } catch (const Json::exception& error) {
      strange = fmt::format("{}: {}", doing, error.what());
    }
    const auto types = Ask(doing, "GET", "/schemas/types", {});
    if (types.status == 200 && types.body.is_array()) throw Error(ErrorCode::kData, strange);
    throw StrangeAnswer(strange);
  }

  static SchemaText Checked(const std::string& doing, const Answer& answer) {
    if (answer.status != 200 || !answer.body.is_object()) Refused(doing, answer);
    return TextOf(doing, answer);
  }

  RegisteredSchemaPtr Complete(int32_t id, const SchemaText& text) {
    return std::make_shared<const RegisteredSchema>(WithReferences(id, text, [&](const SchemaReference& reference) {
      const auto doing =
          fmt::format("asking for {} version {}, which a schema refers to", reference.subject, reference.version);
      return Checked(doing, Ask(doing, "GET",
                                fmt::format("/subjects/{}/versions/{}?deleted=true",
                                            io::PercentEncoded(reference.subject), reference.version),
                                {}));
    }));
  }

  /// One request, at the next address when one does not answer.
  Answer Ask(const std::string& doing, const char* method, const std::string& path, const std::string& body) {
    std::optional<Error> failure;
    for (int attempt = 0; attempt < options_.attempts_max; ++attempt) {
      if (attempt > 0 && static_cast<size_t>(attempt) % options_.urls.size() == 0) {
        if (!clock_.SleepFor(budget_.Wait(attempt), io::OutagePatience::Stop())) break;
      }
      const auto& address = options_.urls[static_cast<size_t>(attempt) % options_.urls.size()];
      try {
        auto answer = Read(http_.Send(Request(method, address + path, body), io::OutagePatience::Stop()), address);
        if (answer.status < 500 && answer.status != 429) return answer;
        if (attempt + 1 == options_.attempts_max) Refused(doing, answer);
      } catch (const io::HttpFailure& wrong) {
        failure =
            Error(ErrorCode::kUnavailable,
                  fmt::format("{}: the schema registry at {} does not answer ({}); start it, or mend the `url` of "
                              "`schema_registry`",
                              doing, address, wrong.message()));
      }
    }
    throw failure.value_or(Error(ErrorCode::kUnavailable, doing + ": the schema registry does not answer"));
  }

  io::HttpRequest Request(const char* method, std::string url, const std::string& body) const {
    io::HttpRequest request;
    request.method = method;
    request.url = std::move(url);
    request.body = body;
    request.timeout = options_.timeout;
    request.response_bytes_max = kAnswerBytesMax;
    request.headers = {{"Accept", fmt::format("{}, application/json", kMediaType)}};
    if (!body.empty()) request.headers.push_back({"Content-Type", kMediaType});
    if (!options_.token.empty()) {
      request.headers.push_back({"Authorization", "Bearer " + options_.token});
    } else if (!options_.username.empty()) {
      request.headers.push_back({"Authorization", "Basic " + io::Base64(options_.username + ":" + options_.password)});
    }
    return request;
  }

  RegistryClientOptions options_;
  const Clock& clock_;
  io::HttpClient http_;
  io::RetryBudget budget_;
  std::mutex mutex_;
  std::map<int32_t, RegisteredSchemaPtr> by_id_;
};

RegistryClient::RegistryClient(RegistryClientOptions options, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), clock)) {}
RegistryClient::~RegistryClient() = default;

namespace {

/// An answer of another shape than the API's.
template <typename Body>
auto Understood(Body&& body) {
  try {
    return body();
  } catch (const Json::exception& strange) {
    throw Error(ErrorCode::kConfig,
                fmt::format("what `schema_registry` names does not answer as a schema registry does: "
                            "{}",
                            strange.what()));
  }
}

}  // namespace

RegisteredSchemaPtr RegistryClient::Find(int32_t id) {
  return Understood([&] { return impl_->Find(id); });
}
int32_t RegistryClient::Register(const std::string& subject, const SchemaText& schema) {
  return Understood([&] { return impl_->Register(subject, schema); });
}
int32_t RegistryClient::VersionOf(const std::string& subject, const SchemaText& schema) {
  return Understood([&] { return impl_->VersionOf(subject, schema); });
}
RegisteredSchemaPtr RegistryClient::Version(const std::string& subject, std::optional<int32_t> version) {
  return Understood([&] { return impl_->Version(subject, version); });
}

}  // namespace millrace::schema
